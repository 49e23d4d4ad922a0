import { type DueRecipient, offsetOfEntry } from '@mailyard/delivery-rules';
import type { Admission } from './admission.ts';
import type { Binding } from '../destinations/binding.ts';
import { steadyNow, type WorkerContext } from '../context.ts';
import type { Destination } from '../destinations/destination.ts';
import type { Destinations } from '../destinations/destinations.ts';
import type { Partition } from '../partitions/partition.ts';
import type { ConnectionBudget } from '../connections/pool-home.ts';
import type { WaitingRoom } from './waiting-room.ts';

/** How often the time is looked at. */
const LOOK_EVERY = 16;
/** How often the line for openings is looked at. */
const LINE_MS = 20;

/**
 * Takes up what has fallen due. Mail that was tried before and whose hosts are not known to answer stands in line for an
 * opening: first its domain in the retry line, then its destination for a slot.
 */
export class DueMail {
  readonly #context: WorkerContext;
  readonly #partitions: ReadonlyMap<number, Partition>;
  readonly #room: WaitingRoom;
  readonly #destinations: Destinations;
  readonly #admission: Admission;
  readonly #budget: ConnectionBudget;
  #isLineWatched = false;

  /** @param partitions those of this worker, by number */
  constructor(
    context: WorkerContext,
    partitions: ReadonlyMap<number, Partition>,
    room: WaitingRoom,
    destinations: Destinations,
    admission: Admission,
    budget: ConnectionBudget,
  ) {
    this.#context = context;
    this.#partitions = partitions;
    this.#room = room;
    this.#destinations = destinations;
    this.#admission = admission;
    this.#budget = budget;
  }

  /** Whether somebody stands in line for an opening. */
  get isLineAwaited(): boolean {
    return this.#budget.line.size > 0 || this.#budget.slots.isAwaited;
  }

  /**
   * Takes up what is due. False when some is left for the next turn.
   *
   * @param now steady wall time
   * @param until not longer than until then, by `performance.now()`
   */
  takeAll(now: number, until: number): boolean {
    const { domains } = this.#room;
    for (let i = 1; domains.nextDueAt() <= now; i++) {
      this.#takeUp(domains.take(now)!, now, false);
      if (i % LOOK_EVERY === 0 && performance.now() >= until) return false;
    }
    return true;
  }

  /** Those in line for an opening whose turn it is; who is left is looked at again soon. */
  serveLines(now: number, until: number): void {
    if (!this.isLineAwaited || this.#isLineWatched) return;
    const { line, slots } = this.#budget;
    const { domains, wakeUp } = this.#room;
    const { monotonic } = this.#context.clock.now();
    for (const destination of slots.next(monotonic)) this.#destinations.call(destination);
    for (let domain = line.next(monotonic); domain !== undefined; domain = line.next(monotonic)) {
      domains.letGo(domain);
      const due = domains.takeOf(domain, now);
      const costs = due !== undefined && this.#takeUp(due, now, true);
      if (!costs) line.giveBack();
      if (!costs && performance.now() >= until) break;
    }
    this.#isLineWatched = true;
    this.#context.clock.after(LINE_MS, () => {
      this.#isLineWatched = false;
      wakeUp.soon();
    });
  }

  /**
   * A recipient whose time has come, if what its entry says is still so. True when a connection is to be opened for it.
   *
   * @param isItsTurn its domain has stood in line for that
   */
  #takeUp(
    { domain, partition: number, message: low, recipient: rid, dueAt, early }: DueRecipient,
    now: number,
    isItsTurn: boolean,
  ): boolean {
    const partition = this.#partitions.get(number);
    if (partition === undefined || !partition.mayStart) return false;
    const { messages, nextOffset } = partition.owner.state;
    const message = messages.at(offsetOfEntry(low, nextOffset));
    const recipient = message?.recipients.get(rid);
    const binding = this.#room.bindings.numbered(domain);
    if (message === undefined || recipient === undefined || binding === undefined) return false;
    // An entry for its later time is there as well; or it is taken care of.
    if (recipient.dueAt > dueAt || partition.underway.has(message.id, rid)) return false;
    const isRetry = recipient.lastRouteVersion !== 0 && this.#isQuiet(binding);
    if (isRetry && !isItsTurn) {
      this.#room.wait(partition, message, recipient, binding, recipient.dueAt, early);
      this.#room.domains.hold(domain);
      this.#budget.line.enter(domain, early);
      return false;
    }
    const destination = this.#admission.admit(partition, message, recipient, binding, now, early);
    if (destination === undefined) return false;
    const together =
      message.recipients.size === 1
        ? [recipient]
        : this.#admission.gather(partition, message, recipient, destination, early ? binding : undefined, now);
    this.#admission.makeReady(partition, message, together, destination, binding.route, now);
    return isRetry;
  }

  /** Whether mail for a domain needs a connection to hosts that are not known to answer. */
  #isQuiet(binding: Binding): boolean {
    const destination = binding.destination ?? this.#knownDestination(binding);
    return destination === 'none' ? false : (destination?.isQuiet(steadyNow(this.#context).wall) ?? true);
  }

  /** Without making an object of it. */
  #knownDestination(binding: Binding): Destination | 'none' | undefined {
    if (binding.state === 'bound') return 'none';
    const key = this.#room.bindings.keyOf(binding);
    return key === undefined || key === '/dev/null' ? 'none' : this.#destinations.get(key);
  }
}
