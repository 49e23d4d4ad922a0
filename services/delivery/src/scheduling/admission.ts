import { expiryOf, isExpired, type Unsubscribed } from '@mailyard/delivery-rules';
import { parseMailbox } from '@mailyard/mail';
import type { OpenMessage, OpenRecipient } from '@mailyard/queue';
import type { Binding } from '../destinations/binding.ts';
import type { WorkerContext } from '../context.ts';
import type { Destination } from '../destinations/destination.ts';
import type { Destinations } from '../destinations/destinations.ts';
import { drop, expire, recordWait, unsubscribe } from '../outcomes/endings.ts';
import { makeParcels } from '../destinations/parcels.ts';
import type { Partition } from '../partitions/partition.ts';
import type { WaitingRoom } from './waiting-room.ts';

/** Where a recipient that is due goes now: to its destination, back to wait, or to an outcome without an attempt. */
export class Admission {
  readonly #context: WorkerContext;
  readonly #room: WaitingRoom;
  readonly #destinations: Destinations;

  constructor(context: WorkerContext, room: WaitingRoom, destinations: Destinations) {
    this.#context = context;
    this.#room = room;
    this.#destinations = destinations;
  }

  /**
   * The destination at which a recipient that is due may be made ready. Otherwise undefined, and all else is done: it
   * waits, or an outcome is on its way.
   *
   * @param early it is not due by its own time (R74, I11)
   */
  admit(
    partition: Partition,
    message: OpenMessage,
    recipient: OpenRecipient,
    binding: Binding,
    now: number,
    early: boolean,
  ): Destination | undefined {
    const { recipient: rid, lastRouteVersion } = recipient;
    const freeAt = partition.owner.freeAt(message, rid, partition.steadyNow());
    // Behind an attempt of ours, whose end brings it up again; or in the grace of a foreign one, asked by the second.
    if (freeAt === undefined || freeAt > now) return undefined;
    const neverTried = lastRouteVersion === 0;
    if (isExpired(this.#expiryOf(message, recipient, binding), neverTried, now)) {
      expire(partition, message, rid, binding.route, this.#room.waitLonger);
      return undefined;
    }
    const { domains, bindings } = this.#room;
    if (!bindings.bind(binding)) {
      this.#room.wait(partition, message, recipient, binding, recipient.dueAt, early);
      domains.hold(binding.number);
      return undefined;
    }
    const { destination, route } = binding;
    if (this.#isSuspended(binding)) {
      // Until it is resumed it is looked at once more, when it has become too old: also what was never tried, since a
      // suspension may last.
      const expiry = this.#expiryOf(message, recipient, binding);
      if (expiry <= now) expire(partition, message, rid, route, this.#room.waitLonger);
      else this.#room.wait(partition, message, recipient, binding, Math.max(expiry, recipient.dueAt), false);
      return undefined;
    }
    const unsubscribed = this.#unsubscribed(recipient);
    if (unsubscribed !== undefined) {
      unsubscribe(partition, message, rid, route, unsubscribed, this.#room.waitLonger);
      return undefined;
    }
    if (destination === undefined) {
      drop(partition, message, rid, route);
      return undefined;
    }
    if (destination.hosts.isBlocked(now)) {
      const { blockedUntil, lastFailure } = destination.hosts;
      if (neverTried && lastFailure !== undefined)
        recordWait(partition, message, rid, route, blockedUntil, lastFailure);
      else {
        this.#room.wait(partition, message, recipient, binding, recipient.dueAt, false);
        domains.putOff(binding.number, blockedUntil);
      }
      return undefined;
    }
    if (destination.isFull(neverTried)) {
      this.#room.wait(partition, message, recipient, binding, recipient.dueAt, early);
      domains.hold(binding.number);
      destination.held.add(binding);
      return undefined;
    }
    return destination;
  }

  /** What keeps mail from it, whoever writes (R148). */
  #unsubscribed({ forwardPath }: OpenRecipient): Unsubscribed | undefined {
    const list = this.#context.unsubscribed?.();
    if (list === undefined || list.rows.length === 0) return undefined;
    const mailbox = parseMailbox(forwardPath);
    return mailbox === undefined ? undefined : list.rowFor(mailbox);
  }

  /** R211. */
  #isSuspended(binding: Binding): boolean {
    const { suspension } = this.#context;
    return suspension !== undefined && suspension.isSuspended(binding.domain, this.#room.bindings.keyOf(binding));
  }

  /** When it is too old, by what its domain's bounce profile says now (R73). */
  #expiryOf({ envelope }: OpenMessage, { copy }: OpenRecipient, { domain }: Binding): number {
    return expiryOf(this.#context.terms.of(domain), envelope.at, envelope.copies[copy]!.expiresAt);
  }

  /**
   * With a recipient goes all of its message that is due and has the same destination (R100, R103).
   *
   * @param released what waits for this domain is due before its time
   */
  gather(
    partition: Partition,
    message: OpenMessage,
    first: OpenRecipient,
    destination: Destination,
    released: Binding | undefined,
    now: number,
  ): OpenRecipient[] {
    const together = [first];
    const instant = partition.steadyNow();
    for (const other of message.recipients.values()) {
      const { recipient: rid, lastRouteVersion } = other;
      if (other === first || partition.underway.has(message.id, rid)) continue;
      const binding = this.#room.bindings.ofPath(other.forwardPath, message.envelope.gateway);
      if (binding.destination !== destination || (other.dueAt > now && binding !== released)) continue;
      if (this.#isSuspended(binding) || this.#unsubscribed(other) !== undefined) continue;
      const freeAt = partition.owner.freeAt(message, rid, instant);
      if (freeAt === undefined || freeAt > now) continue;
      if (isExpired(this.#expiryOf(message, other, binding), lastRouteVersion === 0, now)) continue;
      together.push(other);
    }
    return together;
  }

  /** Makes recipients of one message ready at a destination that has admitted each. It is pumped in this turn. */
  makeReady(
    partition: Partition,
    message: OpenMessage,
    recipients: readonly OpenRecipient[],
    destination: Destination,
    route: string,
    now: number,
  ): void {
    for (const { recipient } of recipients) partition.underway.add(message.id, recipient);
    const { recipientsPerTransaction } = this.#context.settings;
    // Where recipients are counted no parcel may be larger than what is allowed at a time.
    const most = destination.recipientsAtOnce ?? recipients.length;
    for (let i = 0; i < recipients.length; i += most) {
      const some = most >= recipients.length ? recipients : recipients.slice(i, i + most);
      for (const parcel of makeParcels(partition, message, some, route, recipientsPerTransaction, now))
        destination.push(parcel);
    }
    this.#destinations.woke(destination);
  }
}
