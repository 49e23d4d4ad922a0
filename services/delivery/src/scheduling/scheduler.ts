import { WaitingDomains } from '@mailyard/delivery-rules';
import type { Domain } from '@mailyard/mail';
import type { Closed, Glance, MessageId, OpenMessage, OpenRecipient } from '@mailyard/queue';
import { Admission } from './admission.ts';
import type { Binding } from '../destinations/binding.ts';
import { Bindings } from '../destinations/bindings.ts';
import { steadyNow, type WorkerContext } from '../context.ts';
import type { Destination } from '../destinations/destination.ts';
import { DestinationFinder } from '../destinations/destination-finder.ts';
import { Destinations } from '../destinations/destinations.ts';
import { DueMail } from './due-mail.ts';
import { eventLoopShare } from './event-loop-share.ts';
import type { OpeningTools } from '../connections/opening.ts';
import { OpeningSlots } from '../connections/opening-slots.ts';
import type { Partition, Scheduling } from '../partitions/partition.ts';
import { Placing } from './placing.ts';
import type { ConnectionBudget } from '../connections/pool-home.ts';
import { Rebinding } from './rebinding.ts';
import { RetryLine } from './retry-line.ts';
import { SharedLimits } from '../connections/shared-limits.ts';
import { StrandedMail } from './stranded-mail.ts';
import { WaitingRoom } from './waiting-room.ts';
import { WakeUp } from './wake-up.ts';

/** How long one turn may take before the event loop gets its turn, in milliseconds. */
const TURN_MS = 8;
const AGAIN_AT_ONCE = 256;
/** How often domains and destinations without mail are forgotten. */
const COLLECT_MS = 60_000;

/**
 * Who is tried when: every recipient that waits is either in the heap of its domain, ready at its destination, in a
 * transaction, or has an outcome on its way into the log. It hears of recipients from partitions, and goes on turn by
 * turn: what falls due ({@link DueMail}) is admitted ({@link Admission}) to the destination of its domain.
 */
export class Scheduler implements Scheduling {
  readonly waiting = new WaitingDomains();
  readonly destinations = new Destinations();
  readonly bindings: Bindings;
  /** Absent where there is one worker. */
  readonly limits: SharedLimits | undefined;
  readonly #context: WorkerContext;
  readonly #hosts: OpeningTools['hosts'];
  readonly #budget: ConnectionBudget;
  readonly #wakeUp: WakeUp;
  readonly #room: WaitingRoom;
  readonly #admission: Admission;
  readonly #due: DueMail;
  readonly #placing = new Placing();
  readonly #again: { readonly partition: Partition; readonly message: MessageId; readonly recipient: number }[] = [];
  #collectedAt: number;

  /** @param partitions those of this worker, by number */
  constructor(
    context: WorkerContext,
    tools: Omit<OpeningTools, 'now' | 'cameBack' | 'told'>,
    partitions: ReadonlyMap<number, Partition>,
    random: () => number,
  ) {
    this.#context = context;
    this.#hosts = tools.hosts;
    this.#collectedAt = context.clock.now().monotonic;
    this.#wakeUp = new WakeUp(context, () => this.#turn());
    this.limits =
      context.limitBoard &&
      new SharedLimits(
        context.limitBoard,
        context,
        () => ({ owned: assignedOf(partitions), all: context.queueLog.partitionCount }),
        (destination) => {
          this.destinations.call(destination);
          this.#wakeUp.soon();
        },
      );
    const line = new RetryLine(eventLoopShare());
    this.#budget = { used: 0, limit: context.settings.maxConnections, slots: new OpeningSlots(), line };
    this.bindings = new Bindings(
      context.routes,
      this.waiting,
      context.settings.hostname as Domain,
      (decision, binding) => finder.find(decision, binding),
      (decision, binding) => finder.keyOf(decision, binding),
      (binding) => rebinding.bound(binding),
    );
    this.#room = new WaitingRoom(context, this.waiting, this.bindings, this.#wakeUp);
    const finder = new DestinationFinder(this.destinations, {
      context,
      tools: {
        ...tools,
        told: new Set(),
        now: () => this.#now(),
        cameBack: (host) => this.hostCameBack(host),
      },
      budget: this.#budget,
      events: new StrandedMail(context, this.#room, this.destinations),
      limits: this.limits,
      random,
    });
    const rebinding = new Rebinding(context, this.#room, this.destinations);
    this.#admission = new Admission(context, this.#room, this.destinations);
    this.#due = new DueMail(context, partitions, this.#room, this.destinations, this.#admission, this.#budget);
  }

  /** The version of the route table that waiting mail goes by. */
  get tableVersion(): number {
    return this.#context.routes.version;
  }

  get connectionCount(): number {
    return this.#budget.used;
  }

  /** Whether it has yet to look at some of the mail of partitions that became ours. */
  get isPlacing(): boolean {
    return this.#placing.isOn;
  }

  #now(): number {
    return steadyNow(this.#context).wall;
  }

  // ---- what partitions tell

  place(partition: Partition, message: OpenMessage, recipients: readonly number[], isNew: boolean): void {
    const now = this.#now();
    const { gateway } = message.envelope;
    let ready: Map<Destination, OpenRecipient[]> | undefined;
    for (const rid of recipients) {
      const recipient = message.recipients.get(rid);
      if (recipient === undefined) continue;
      const binding = this.bindings.ofPath(recipient.forwardPath, gateway);
      if (isNew) this.#count(partition, binding, 1);
      if (partition.underway.has(message.id, rid)) continue;
      if (recipient.dueAt > now) {
        this.#room.wait(partition, message, recipient, binding, recipient.dueAt, false);
        continue;
      }
      const destination = this.#admission.admit(partition, message, recipient, binding, now, false);
      if (destination === undefined) continue;
      if (recipients.length === 1) {
        this.#admission.makeReady(partition, message, [recipient], destination, binding.route, now);
        return;
      }
      ready ??= new Map();
      const together = ready.get(destination);
      if (together === undefined) ready.set(destination, [recipient]);
      else together.push(recipient);
    }
    if (ready === undefined) return;
    for (const [destination, together] of ready) {
      const { route } = this.bindings.ofPath(together[0]!.forwardPath, gateway);
      this.#admission.makeReady(partition, message, together, destination, route, now);
    }
  }

  placeLater(partition: Partition, message: MessageId, recipient: number): void {
    this.#again.push({ partition, message, recipient });
    this.#wakeUp.soon();
  }

  placeAll(partition: Partition, before: number): void {
    this.#placing.begin(partition, before);
    this.#wakeUp.soon();
  }

  restated(partition: Partition, message: OpenMessage): void {
    for (const recipient of message.recipients.values()) {
      if (partition.underway.has(message.id, recipient.recipient)) continue;
      const binding = this.bindings.ofPath(recipient.forwardPath, message.envelope.gateway);
      this.#room.wait(partition, message, recipient, binding, recipient.dueAt, false);
    }
  }

  closed(partition: Partition, { closed, of, outcome }: Closed): void {
    const binding = this.bindings.ofPath(closed.forwardPath, of.envelope.gateway);
    if (this.#placing.hasPassed(partition, of)) this.#count(partition, binding, -1);
    if (outcome.type !== 'RecipientDelivered' || this.waiting.entriesOf(binding.number) === 0) return;
    // R74: a success makes what was deferred for the domain due at once.
    if (!binding.mayRelease(closed.dueAt > outcome.at, this.#context.clock.now().monotonic)) return;
    this.waiting.release(binding.number);
    this.#wakeUp.soon();
  }

  dropped(partition: Partition, message: OpenMessage): void {
    const isCounted = this.#placing.hasPassed(partition, message);
    for (const { forwardPath } of message.recipients.values())
      if (isCounted) this.#count(partition, this.bindings.ofPath(forwardPath, message.envelope.gateway), -1);
    partition.underway.forget(message.id);
  }

  lost(partition: Partition): void {
    this.#placing.end(partition);
    for (const destination of this.destinations.values())
      if (destination.readyCount > 0) destination.extract((parcel) => parcel.partition === partition);
    for (const [number, recipients] of partition.counts.take()) {
      const binding = this.bindings.numbered(number);
      if (binding !== undefined) this.bindings.count(binding, -recipients);
    }
  }

  #count(partition: Partition, binding: Binding, by: number): void {
    this.bindings.count(binding, by);
    partition.counts.add(binding.number, by);
  }

  // ---- turns

  pump(): void {
    const isDone = this.destinations.pump(performance.now() + TURN_MS);
    if (!isDone || this.waiting.nextDueAt() <= this.#now() || this.#due.isLineAwaited) this.#wakeUp.soon();
  }

  /** Does what is to be done now, for as long as a turn may take. */
  #turn(): void {
    const until = performance.now() + TURN_MS;
    for (const { partition, message: id, recipient } of this.#again.splice(0, AGAIN_AT_ONCE)) {
      const message = partition.owner.state.messages.get(id);
      if (message !== undefined && partition.mayStart) this.place(partition, message, [recipient], false);
    }
    let done = this.#placing.goOn(until, (partition, message) => this.#placeOld(partition, message));
    const now = this.#now();
    done = this.#due.takeAll(now, until) && done;
    this.#due.serveLines(now, until);
    done = this.destinations.pump(until) && done;
    if (done && this.#again.length === 0) this.#wakeUp.at(this.waiting.nextDueAt());
    else this.#wakeUp.soon();
  }

  /** Recipients of an earlier owner: due when they were, or at once when their route has changed since (I11). */
  #placeOld(partition: Partition, message: Glance): void {
    for (const recipient of message.recipients) {
      const { recipient: rid, lastRouteVersion, dueAt } = recipient;
      if (recipient.outcomeUnknown) partition.unknownOutcomes.add(`${message.id}/${rid}`);
      const binding = this.bindings.ofPath(recipient.forwardPath, message.gateway);
      this.#count(partition, binding, 1);
      if (partition.underway.has(message.id, rid)) continue;
      const since = this.bindings.since(binding);
      if (since === undefined)
        binding.oldestRouteVersion = Math.min(binding.oldestRouteVersion ?? lastRouteVersion, lastRouteVersion);
      const isOutdated = lastRouteVersion !== 0 && since !== undefined && since > lastRouteVersion;
      this.#room.wait(partition, message, recipient, binding, dueAt, isOutdated);
    }
  }

  /** Once a second. */
  tick(): void {
    const { monotonic } = this.#context.clock.now();
    this.bindings.askAgain();
    this.limits?.tick();
    this.destinations.tick(monotonic);
    if (this.#due.isLineAwaited) this.#wakeUp.soon();
    // There may be very many dead domains: what is known of most is when their mail is due.
    for (const destination of this.destinations.beyondMind(this.#now())) this.#forget(destination);
    if (monotonic - this.#collectedAt < COLLECT_MS) return;
    this.#collectedAt = monotonic;
    this.bindings.collect();
    this.#hosts.expire(this.#now());
    for (const destination of this.destinations.unused(this.#now(), monotonic)) this.#forget(destination);
  }

  /** What waits for it finds it again when due. */
  #forget(destination: Destination): void {
    for (const binding of [...destination.bindings]) this.bindings.unbind(binding);
    this.#budget.slots.leave(destination);
    this.destinations.delete(destination);
  }

  /** A host that was down answers: whoever waits for it goes on. */
  hostCameBack(host: string): void {
    for (const destination of this.destinations.takeWaitingFor(host)) destination.unblock();
  }

  /** An operator wants what waits for some domains tried now (R210). @param ofAll these are all */
  retryNow(bindings: Iterable<Binding>, ofAll: boolean): void {
    this.#room.retryNow(bindings, ofAll);
  }

  stop(): void {
    this.#wakeUp.cancel();
    this.#placing.clear();
    for (const destination of this.destinations.values()) destination.drain();
  }

  /** Cuts off what is still being sent. */
  async cut(): Promise<void> {
    await Promise.all([...this.destinations.values()].map((destination) => destination.cut()));
  }
}

function assignedOf(partitions: ReadonlyMap<number, Partition>): number {
  let assigned = 0;
  for (const { isAssigned } of partitions.values()) if (isAssigned) assigned += 1;
  return assigned;
}
