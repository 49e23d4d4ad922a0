import type { QueueOwners } from '@mailyard/admin';
import { type BatchBy, type DeliveryTermsSource, destinationKey, hostKey } from '@mailyard/delivery-rules';
import type { AddressLiteral, Domain } from '@mailyard/mail';
import type { Census, FollowingFigures, QueueCensus } from '@mailyard/routing';
import type { RouteDecision } from '@mailyard/smtp-routes';

/** What waits, asked of all owners: those in this process and, over gRPC, those in others. */
export class OwnersCensus implements QueueCensus {
  readonly #owners: () => QueueOwners;
  readonly #batchBy: BatchBy;
  readonly #terms: () => Pick<DeliveryTermsSource, 'of'>;

  constructor(owners: () => QueueOwners, batchBy: BatchBy, terms: () => Pick<DeliveryTermsSource, 'of'>) {
    this.#owners = owners;
    this.#batchBy = batchBy;
    this.#terms = terms;
  }

  async take(): Promise<Census> {
    const { waiting, blocked, hosts, silentOwners } = await this.#owners().census(false, false);
    const destinations = new Set(blocked);
    const down = new Set(hosts.filter(({ state }) => state === 'down').map(({ key }) => key));
    const isDown = (domain: Domain | AddressLiteral, { target }: RouteDecision): boolean => {
      const key = destinationKey(target, domain, this.#batchBy, this.#terms().of(domain));
      if (key === undefined) return false;
      if (destinations.has(key)) return true;
      // A destination that has no mail yet is known by its hosts, where it names addresses.
      return (
        target.kind === 'hosts' &&
        target.hosts.every(
          ({ lookup, host, port }) => lookup === 'address' && down.has(hostKey({ address: host, port })),
        )
      );
    };
    return { waiting, isDown, silentOwners };
  }

  async figures(): Promise<FollowingFigures> {
    const { version, moving, silentOwners } = await this.#owners().census(false, true);
    return { version, moving, silentOwners };
  }
}
