import type { AccessTables } from '@mailyard/configuration';
import type { AddressLiteral, Domain } from '@mailyard/mail';
import type { RouteDecision, RouteLookup } from '@mailyard/smtp-routes';
import type { ConfigurationFollower } from './configuration-follower.ts';

/** Answers lookups from the table in this process, and hands out the tables by which mail is taken. */
export class TableLookup implements RouteLookup {
  readonly #follower: ConfigurationFollower;

  constructor(follower: ConfigurationFollower) {
    this.#follower = follower;
  }

  get version(): number {
    return this.#follower.served?.state.version ?? 0;
  }

  peek(domain: Domain | AddressLiteral): RouteDecision | undefined {
    return this.#follower.served?.table.lookup(domain);
  }

  async lookup(domain: Domain | AddressLiteral): Promise<RouteDecision | 'unknown'> {
    return this.peek(domain) ?? 'unknown';
  }

  onChange(listener: (version: number, concerns: (domain: Domain | AddressLiteral) => boolean) => void): void {
    this.#follower.listen({
      advanced: ({ version, changes }) => {
        const { table } = this.#follower.demand();
        listener(version, (domain) => changes.concerns(domain, table.lookup(domain).matched));
      },
      restarted: () => listener(this.version, () => true),
    });
  }

  /** The tables by which mail is taken; undefined while there is nothing to serve. */
  current(): AccessTables | undefined {
    return this.#follower.served?.access;
  }
}
