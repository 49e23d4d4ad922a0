import type { QueueOwners } from '@mailyard/admin';
import { resolvePlan } from '@mailyard/delivery';
import {
  type BatchBy,
  type DeliveryTermsSource,
  destinationKey,
  hostKey,
  type Resolver,
} from '@mailyard/delivery-rules';
import type { AddressLiteral, Domain } from '@mailyard/mail';
import type { Census, FollowingFigures, QueueCensus } from '@mailyard/routing';
import type { RouteDecision, RouteTarget } from '@mailyard/smtp-routes';
import { Pace } from '@mailyard/telemetry';

/** Destinations without mail whose names are asked of the DNS for one census, at most. */
const ASKED = 200;

/** What waits, asked of all owners: those in this process and, over gRPC, those in others. */
export class OwnersCensus implements QueueCensus {
  readonly #owners: () => QueueOwners;
  readonly #batchBy: BatchBy;
  readonly #resolver: Resolver;
  readonly #terms: () => Pick<DeliveryTermsSource, 'of'>;

  constructor(
    owners: () => QueueOwners,
    batchBy: BatchBy,
    resolver: Resolver,
    terms: () => Pick<DeliveryTermsSource, 'of'>,
  ) {
    this.#owners = owners;
    this.#batchBy = batchBy;
    this.#resolver = resolver;
    this.#terms = terms;
  }

  async take(): Promise<Census> {
    const { waiting, blocked, hosts, silentOwners } = await this.#owners().census(false, false);
    const pace = new Pace();
    const destinations = new Set<string>();
    for (const key of blocked) {
      if (pace.isOver) await pace.rest();
      destinations.add(key);
    }
    const down = new Set<string>();
    for (const { key, state } of hosts) {
      if (pace.isOver) await pace.rest();
      if (state === 'down') down.add(key);
    }
    const found = new Map<string, Promise<boolean>>();
    const keyOf = this.#keys();
    const isDown = (domain: Domain | AddressLiteral, { target }: RouteDecision): boolean | Promise<boolean> => {
      if (destinations.size === 0 && down.size === 0) return false;
      const key = keyOf(target, domain);
      if (key === undefined) return false;
      if (destinations.has(key)) return true;
      // A destination that has no mail yet is known by its hosts. Without one that is down there is nothing to ask.
      if (target.kind !== 'hosts' || down.size === 0) return false;
      const known = found.get(key);
      if (known !== undefined || found.size >= ASKED) return known ?? false;
      const asked = this.#areDown(target, domain, down);
      found.set(key, asked);
      return asked;
    };
    return { waiting, isDown, silentOwners };
  }

  /** The keys of destinations; one that many domains share is written once. */
  #keys(): (target: RouteTarget, domain: Domain | AddressLiteral) => string | undefined {
    const shared = new Map<RouteTarget, string | undefined>();
    const terms = this.#terms();
    return (target, domain) => {
      const of = terms.of(domain);
      const isShared = target.kind === 'hosts' && of.row === undefined && of.recipients === undefined;
      if (!isShared || this.#batchBy === 'domain') return destinationKey(target, domain, this.#batchBy, of);
      let key = shared.get(target);
      if (key === undefined) shared.set(target, (key = destinationKey(target, domain, this.#batchBy)));
      return key;
    };
  }

  async #areDown(
    target: Extract<RouteTarget, { kind: 'hosts' }>,
    domain: Domain | AddressLiteral,
    down: ReadonlySet<string>,
  ): Promise<boolean> {
    const plan = { turn: 0, random: [], ipPreference: this.#terms().of(domain).ipPreference };
    const planned = await resolvePlan(this.#resolver, { target, domain, plan });
    return planned.kind === 'hosts' && planned.hosts.every((host) => down.has(hostKey(host)));
  }

  async figures(): Promise<FollowingFigures> {
    const { version, moving, silentOwners } = await this.#owners().census(false, true);
    return { version, moving, silentOwners };
  }
}
