import type { DestinationKey } from '@mailyard/delivery-rules';
import type { AddressLiteral, Domain } from '@mailyard/mail';
import type { RouteDecision } from '@mailyard/smtp-routes';
import type { Destination } from './destination.ts';

/** The first wait before a success of a domain makes its deferred mail due again, and the longest (R74). */
const RELEASE_MS = 60_000;
const RELEASE_MOST_MS = 3_600_000;

/** What waiting mail is told apart by: the recipient domain, and the virtual gateway where it has one (R147). */
export function bindingName(domain: string, gateway: string | undefined): string {
  return gateway === undefined ? domain : `${domain} via ${gateway}`;
}

/**
 * A recipient domain with mail, of one virtual gateway or of none, and where the route table sends it now. Bound late and bound anew when the table
 * changes (I11).
 *
 * `unbound`: to be looked up; `asked`: the lookup is under way; `unknown`: routing did not know, to be asked again;
 * `bound`: to a destination, or to nothing when the entry is `/dev/null`.
 */
export class Binding {
  readonly domain: Domain | AddressLiteral;
  readonly gateway: string | undefined;
  /** Among the waiting domains. */
  readonly number: number;
  state: 'unbound' | 'asked' | 'unknown' | 'bound' = 'unbound';
  destination: Destination | undefined;
  /** The key of where it leads, if a view has asked since it was bound or unbound. */
  key: DestinationKey | '/dev/null' | undefined;
  /** The matched entry as printed; empty while unbound. */
  route = '';
  /** The newest version that may have changed the answer. */
  since = 0;
  /** Recipients without a final outcome. */
  recipients = 0;
  /** The oldest route version that waiting recipients of an earlier owner were last tried under, while it is unbound. */
  oldestRouteVersion: number | undefined;
  /** A version concerned it, and it was not looked up since. */
  isMoving = false;
  /** How often the table has changed for it. */
  changes = 0;
  /** When what was deferred was made due last, and how long it is to stay at that. Most domains never see that. */
  #released: { at: number; waitMs: number } | undefined;

  constructor(domain: Domain | AddressLiteral, gateway: string | undefined, number: number) {
    this.domain = domain;
    this.gateway = gateway;
    this.number = number;
  }

  get name(): string {
    return bindingName(this.domain, this.gateway);
  }

  /** @param destination none for `/dev/null` */
  bind({ matched, since = 0 }: RouteDecision, destination: Destination | undefined): void {
    this.route = matched;
    this.since = since;
    this.destination = destination;
    this.key = undefined;
    this.state = 'bound';
    this.isMoving = false;
    destination?.bindings.add(this);
  }

  unbind(): void {
    this.destination?.bindings.delete(this);
    this.destination?.held.delete(this);
    this.destination = undefined;
    this.key = undefined;
    this.route = '';
    this.state = 'unbound';
    this.changes += 1;
  }

  /**
   * A delivery to the domain: whether what was deferred is due at once (R74). Not more often than once a minute, and
   * less often while it helps nothing.
   *
   * @param early the delivered recipient owed its attempt to an earlier release
   */
  mayRelease(early: boolean, monotonic: number): boolean {
    const released = this.#released;
    if (released === undefined) {
      this.#released = { at: monotonic, waitMs: RELEASE_MS };
      return true;
    }
    if (early) released.waitMs = RELEASE_MS;
    if (monotonic - released.at < released.waitMs) return false;
    released.waitMs = Math.min(RELEASE_MOST_MS, released.waitMs * 2);
    released.at = monotonic;
    return true;
  }
}
