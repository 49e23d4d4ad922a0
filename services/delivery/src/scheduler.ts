import {
  type DestinationFault,
  type DeliveryTerms,
  destinationKey,
  type DueRecipient,
  expiryOf,
  isExpired,
  isOtherSchedule,
  offsetOfEntry,
  WaitingDomains,
} from '@mailyard/delivery-rules';
import { type AddressLiteral, type Address, type Domain, domainOf } from '@mailyard/mail';
import type { Closed, Glance, MessageId, OpenMessage, OpenRecipient } from '@mailyard/queue';
import type { RouteDecision } from '@mailyard/smtp-routes';
import type { Binding } from './binding.ts';
import { Bindings } from './bindings.ts';
import { steadyNow, type WorkerContext } from './context.ts';
import { Destination, type DestinationEvents } from './destination.ts';
import { Destinations } from './destinations.ts';
import { bounceByDns, drop, endWalk, expire, recordWait } from './endings.ts';
import { eventLoopShare } from './event-loop-share.ts';
import type { HostFailure, OpeningTools } from './opening.ts';
import { OpeningSlots } from './opening-slots.ts';
import type { Parcel } from './parcel.ts';
import { makeParcels } from './parcels.ts';
import type { Partition, Scheduling } from './partition.ts';
import { Placing } from './placing.ts';
import type { ConnectionBudget } from './pool-home.ts';
import { RetryLine } from './retry-line.ts';
import { WakeUp } from './wake-up.ts';

/** How long one turn may take before the event loop gets its turn, in milliseconds, and how often that is looked at. */
const TURN_MS = 8;
const LOOK_EVERY = 16;
const AGAIN_AT_ONCE = 256;
/** What could not be decided for want of a store is tried again after this. */
const LATER_MS = 60_000;
/** How often domains and destinations without mail are forgotten. */
const COLLECT_MS = 60_000;
/** How often the line for openings is looked at. */
const LINE_MS = 20;

/**
 * Who is tried when, and where: every recipient that waits is either in the heap of its domain, ready at its
 * destination, in a transaction, or has an outcome on its way into the log.
 */
export class Scheduler implements Scheduling, DestinationEvents {
  readonly waiting = new WaitingDomains();
  readonly bindings: Bindings;
  readonly destinations = new Destinations();
  readonly #context: WorkerContext;
  readonly #tools: OpeningTools;
  readonly #budget: ConnectionBudget;
  readonly #random: () => number;
  readonly #partitions: ReadonlyMap<number, Partition>;
  /** Destinations that got something in this turn. */
  readonly #dirty = new Set<Pick<Destination, 'pump'>>();
  readonly #again: { readonly partition: Partition; readonly message: MessageId; readonly recipient: number }[] = [];
  readonly #placing = new Placing();
  readonly #line = new RetryLine(eventLoopShare());
  #isScheduled = false;
  #isLineWatched = false;
  readonly #wakeUp: WakeUp;
  #collectedAt: number;

  /** @param partitions those of this worker, by number */
  constructor(
    context: WorkerContext,
    tools: Omit<OpeningTools, 'now' | 'cameBack' | 'refusing'>,
    partitions: ReadonlyMap<number, Partition>,
    random: () => number,
  ) {
    this.#context = context;
    this.#partitions = partitions;
    this.#random = random;
    this.#budget = { used: 0, limit: context.settings.maxConnections, slots: new OpeningSlots(), line: this.#line };
    this.#tools = {
      ...tools,
      refusing: new Set(),
      now: () => this.#now(),
      cameBack: (host) => this.hostCameBack(host),
    };
    this.bindings = new Bindings(
      context.routes,
      this.waiting,
      (decision, domain) => this.#destinationOf(decision, domain),
      ({ target }, domain) =>
        destinationKey(target, domain, context.settings.batchBy, context.terms.of(domain)) ?? '/dev/null',
      (binding) => this.#bound(binding),
    );
    this.#wakeUp = new WakeUp(
      context.clock,
      () => this.#now(),
      () => this.#schedule(),
    );
    this.#collectedAt = context.clock.now().monotonic;
    context.routes.onChange((_version, concerns) => this.routesChanged(concerns));
    context.terms.onChange(() => this.#termsChanged());
    context.credentials?.onChange((profiles) => this.#profilesChanged(profiles));
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

  #destinationOf(decision: RouteDecision, domain: Domain | AddressLiteral): Destination | undefined {
    const { target } = decision;
    const terms = this.#context.terms.of(domain);
    const key = destinationKey(target, domain, this.#context.settings.batchBy, terms);
    if (key === undefined || target.kind === 'null') return undefined;
    let destination = this.destinations.get(key);
    if (destination === undefined) {
      destination = new Destination(key, target, domain, terms, {
        context: this.#context,
        tools: this.#tools,
        budget: this.#budget,
        events: this,
        random: this.#random,
      });
      this.destinations.add(destination);
    } else destination.follow(terms);
    return destination;
  }

  #bindingOf(forwardPath: Address): Binding {
    // A bare <postmaster> is the one of this system (RFC 5321 §4.5.1).
    return this.bindings.of(domainOf(forwardPath) || (this.#context.settings.hostname as Domain));
  }

  // ---- what partitions tell

  place(partition: Partition, message: OpenMessage, recipients: readonly number[], isNew: boolean): void {
    const now = this.#now();
    let ready: Map<Destination, OpenRecipient[]> | undefined;
    for (const rid of recipients) {
      const recipient = message.recipients.get(rid);
      if (recipient === undefined) continue;
      const binding = this.#bindingOf(recipient.forwardPath);
      if (isNew) count(partition, binding, 1);
      if (partition.underway.has(message.id, rid)) continue;
      if (recipient.dueAt > now) {
        this.#wait(partition, message, recipient, binding, recipient.dueAt, false);
        continue;
      }
      const destination = this.#admit(partition, message, recipient, binding, now, false);
      if (destination === undefined) continue;
      if (recipients.length === 1) {
        this.#makeReady(partition, message, [recipient], destination, binding.route, now);
        return;
      }
      ready ??= new Map();
      const together = ready.get(destination);
      if (together === undefined) ready.set(destination, [recipient]);
      else together.push(recipient);
    }
    if (ready === undefined) return;
    for (const [destination, together] of ready)
      this.#makeReady(partition, message, together, destination, this.#bindingOf(together[0]!.forwardPath).route, now);
  }

  placeLater(partition: Partition, message: MessageId, recipient: number): void {
    this.#again.push({ partition, message, recipient });
    this.#schedule();
  }

  placeAll(partition: Partition, before: number): void {
    this.#placing.begin(partition, before);
    this.#schedule();
  }

  restated(partition: Partition, message: OpenMessage): void {
    for (const recipient of message.recipients.values()) {
      if (partition.underway.has(message.id, recipient.recipient)) continue;
      const binding = this.#bindingOf(recipient.forwardPath);
      this.#wait(partition, message, recipient, binding, recipient.dueAt, false);
    }
  }

  closed(partition: Partition, { closed, of, outcome }: Closed): void {
    const binding = this.#bindingOf(closed.forwardPath);
    if (this.#placing.hasPassed(partition, of)) count(partition, binding, -1);
    if (outcome.type !== 'RecipientDelivered' || this.waiting.entriesOf(binding.number) === 0) return;
    // R74: a success makes what was deferred for the domain due at once.
    if (!binding.mayRelease(closed.dueAt > outcome.at, this.#context.clock.now().monotonic)) return;
    this.waiting.release(binding.number);
    this.#schedule();
  }

  dropped(partition: Partition, message: OpenMessage): void {
    const isCounted = this.#placing.hasPassed(partition, message);
    for (const { forwardPath } of message.recipients.values())
      if (isCounted) count(partition, this.#bindingOf(forwardPath), -1);
    partition.underway.forget(message.id);
  }

  lost(partition: Partition): void {
    this.#placing.end(partition);
    for (const destination of this.destinations.values())
      if (destination.readyCount > 0) destination.extract((parcel) => parcel.partition === partition);
    for (const [number, recipients] of partition.counts.take()) {
      const binding = this.bindings.numbered(number);
      if (binding !== undefined) binding.recipients -= recipients;
    }
  }

  // ---- where a recipient goes now

  /**
   * The destination at which a recipient that is due may be made ready. Otherwise undefined, and all else is done: it
   * waits, or an outcome is on its way.
   *
   * @param early it is not due by its own time (R74, I11)
   */
  #admit(
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
      expire(partition, message, rid, binding.route, this.#later);
      return undefined;
    }
    if (!this.bindings.bind(binding)) {
      this.#wait(partition, message, recipient, binding, recipient.dueAt, early);
      this.waiting.hold(binding.number);
      return undefined;
    }
    const { destination, route } = binding;
    if (destination === undefined) {
      drop(partition, message, rid, route);
      return undefined;
    }
    if (destination.hosts.isBlocked(now)) {
      const { blockedUntil, lastFailure } = destination.hosts;
      if (neverTried && lastFailure !== undefined)
        recordWait(partition, message, rid, route, blockedUntil, lastFailure);
      else {
        this.#wait(partition, message, recipient, binding, recipient.dueAt, false);
        this.waiting.putOff(binding.number, blockedUntil);
      }
      return undefined;
    }
    if (destination.isFull(neverTried)) {
      this.#wait(partition, message, recipient, binding, recipient.dueAt, early);
      this.waiting.hold(binding.number);
      destination.held.add(binding);
      return undefined;
    }
    return destination;
  }

  /** When it is too old, by what its domain's bounce profile says now (R73). */
  #expiryOf({ envelope }: OpenMessage, { copy }: OpenRecipient, { domain }: Binding): number {
    return expiryOf(this.#context.terms.of(domain), envelope.at, envelope.copies[copy]!.expiresAt);
  }

  #wait(
    partition: Partition,
    { fullStateOffset }: Pick<OpenMessage, 'fullStateOffset'>,
    { recipient }: OpenRecipient,
    binding: Binding,
    dueAt: number,
    released: boolean,
  ): void {
    this.waiting.add(binding.number, dueAt, partition.number, fullStateOffset, recipient, released);
    this.#wakeUp.at(dueAt);
  }

  readonly #later = (partition: Partition, id: MessageId, rid: number): void => {
    partition.underway.delete(id, rid);
    const message = partition.owner.state.messages.get(id);
    const recipient = message?.recipients.get(rid);
    if (message === undefined || recipient === undefined || !partition.mayStart) return;
    const dueAt = Math.max(this.#now() + LATER_MS, recipient.dueAt);
    this.#wait(partition, message, recipient, this.#bindingOf(recipient.forwardPath), dueAt, false);
  };

  #makeReady(
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
    const most = destination.terms.recipients?.most ?? recipients.length;
    for (let i = 0; i < recipients.length; i += most) {
      const some = most >= recipients.length ? recipients : recipients.slice(i, i + most);
      for (const parcel of makeParcels(partition, message, some, route, recipientsPerTransaction, now))
        destination.push(parcel);
    }
    this.#dirty.add(destination);
    this.destinations.woke(destination);
  }

  // ---- turns

  pump(): void {
    const isDone = this.#pumpSome(performance.now() + TURN_MS);
    if (!isDone || this.waiting.nextDueAt() <= this.#now() || this.#isLineAwaited) this.#schedule();
  }

  #schedule(): void {
    if (this.#isScheduled || this.#context.isStopping) return;
    this.#isScheduled = true;
    setImmediate(() => {
      this.#isScheduled = false;
      this.#turn();
    });
  }

  /** Does what is to be done now, for as long as a turn may take. */
  #turn(): void {
    if (this.#context.isStopping) return;
    const { clock } = this.#context;
    const until = performance.now() + TURN_MS;
    const again = this.#again.splice(0, AGAIN_AT_ONCE);
    for (const { partition, message: id, recipient } of again) {
      const message = partition.owner.state.messages.get(id);
      if (message !== undefined && partition.mayStart) this.place(partition, message, [recipient], false);
    }
    let done = this.#placing.goOn(until, (partition, message) => this.#placeOld(partition, message));
    const { wall } = steadyNow({ clock, steady: this.#context.steady });
    for (let i = 1; this.waiting.nextDueAt() <= wall; i++) {
      this.#takeUp(this.waiting.take(wall)!, wall, false);
      if (i % LOOK_EVERY === 0 && performance.now() >= until) {
        done = false;
        break;
      }
    }
    this.#serveLines(wall, until);
    done = this.#pumpSome(until) && done;
    if (done && this.#again.length === 0) this.#wakeUp.at(this.waiting.nextDueAt());
    else this.#schedule();
  }

  get #isLineAwaited(): boolean {
    return this.#line.size > 0 || this.#budget.slots.isAwaited;
  }

  /** Those in line for an opening whose turn it is; who is left is looked at again soon. */
  #serveLines(wall: number, until: number): void {
    if (!this.#isLineAwaited || this.#isLineWatched) return;
    const { monotonic } = this.#context.clock.now();
    for (const destination of this.#budget.slots.next(monotonic)) this.#dirty.add(destination);
    for (let domain = this.#line.next(monotonic); domain !== undefined; domain = this.#line.next(monotonic)) {
      this.waiting.letGo(domain);
      const due = this.waiting.takeOf(domain, wall);
      const costs = due !== undefined && this.#takeUp(due, wall, true);
      if (!costs) this.#line.giveBack();
      if (!costs && performance.now() >= until) break;
    }
    this.#isLineWatched = true;
    this.#context.clock.after(LINE_MS, () => {
      this.#isLineWatched = false;
      this.#schedule();
    });
  }

  /** Hands out what has become ready. False when some destinations are left for the next turn. */
  #pumpSome(until: number): boolean {
    let i = 0;
    for (const destination of this.#dirty) {
      i += 1;
      if (i % LOOK_EVERY === 0 && performance.now() >= until) return false;
      this.#dirty.delete(destination);
      destination.pump();
    }
    return true;
  }

  /** Recipients of an earlier owner: due when they were, or at once when their route has changed since (I11). */
  #placeOld(partition: Partition, message: Glance): void {
    for (const recipient of message.recipients) {
      const { recipient: rid, lastRouteVersion, dueAt } = recipient;
      if (recipient.outcomeUnknown) partition.unknownOutcomes.add(`${message.id}/${rid}`);
      const binding = this.#bindingOf(recipient.forwardPath);
      count(partition, binding, 1);
      if (partition.underway.has(message.id, rid)) continue;
      const since = this.bindings.since(binding);
      if (since === undefined)
        binding.oldestRouteVersion = Math.min(binding.oldestRouteVersion ?? lastRouteVersion, lastRouteVersion);
      const isOutdated = lastRouteVersion !== 0 && since !== undefined && since > lastRouteVersion;
      this.#wait(partition, message, recipient, binding, dueAt, isOutdated);
    }
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
    const binding = this.bindings.numbered(domain);
    if (message === undefined || recipient === undefined || binding === undefined) return false;
    // An entry for its later time is there as well; or it is taken care of.
    if (recipient.dueAt > dueAt || partition.underway.has(message.id, rid)) return false;
    const isRetry = recipient.lastRouteVersion !== 0 && this.#isQuiet(binding);
    if (isRetry && !isItsTurn) {
      this.#wait(partition, message, recipient, binding, recipient.dueAt, early);
      this.waiting.hold(domain);
      this.#line.enter(domain, early);
      return false;
    }
    const destination = this.#admit(partition, message, recipient, binding, now, early);
    if (destination === undefined) return false;
    const together =
      message.recipients.size === 1
        ? [recipient]
        : this.#gather(partition, message, recipient, destination, early ? binding : undefined, now);
    this.#makeReady(partition, message, together, destination, binding.route, now);
    return isRetry;
  }

  /** Whether mail for a domain needs a connection to hosts that are not known to answer. */
  #isQuiet(binding: Binding): boolean {
    const destination = binding.destination ?? this.#knownDestination(binding);
    return destination === 'none' ? false : (destination?.isQuiet(this.#now()) ?? true);
  }

  /** Without making an object of it. */
  #knownDestination(binding: Binding): Destination | 'none' | undefined {
    if (binding.state === 'bound') return 'none';
    const key = this.bindings.keyOf(binding);
    return key === undefined || key === '/dev/null' ? 'none' : this.destinations.get(key);
  }

  /** With a recipient goes all of its message that is due and has the same destination (R100, R103). */
  #gather(
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
      const binding = this.#bindingOf(other.forwardPath);
      if (binding.destination !== destination || (other.dueAt > now && binding !== released)) continue;
      const freeAt = partition.owner.freeAt(message, rid, instant);
      if (freeAt === undefined || freeAt > now) continue;
      if (isExpired(this.#expiryOf(message, other, binding), lastRouteVersion === 0, now)) continue;
      together.push(other);
    }
    return together;
  }

  /** Once a second. */
  tick(): void {
    const { monotonic } = this.#context.clock.now();
    this.bindings.askAgain();
    this.destinations.tick(monotonic);
    if (this.#isLineAwaited) this.#schedule();
    // There may be very many dead domains: what is known of most is when their mail is due.
    for (const destination of this.destinations.beyondMind(this.#now())) this.#forget(destination);
    if (monotonic - this.#collectedAt < COLLECT_MS) return;
    this.#collectedAt = monotonic;
    this.bindings.collect();
    this.#tools.hosts.expire(this.#now());
    for (const destination of this.destinations.unused(this.#now(), monotonic)) this.#forget(destination);
  }

  /** What waits for it finds it again when due. */
  #forget(destination: Destination): void {
    for (const binding of [...destination.bindings]) this.bindings.unbind(binding);
    this.#budget.slots.leave(destination);
    this.destinations.delete(destination);
  }

  // ---- routes

  #bound(binding: Binding): void {
    const { oldestRouteVersion } = binding;
    if (oldestRouteVersion !== undefined && binding.since > oldestRouteVersion) this.waiting.release(binding.number);
    binding.oldestRouteVersion = undefined;
    this.waiting.letGo(binding.number);
    this.#schedule();
  }

  /** Mail that a change of the table concerns is due now, under the new entry (I11). */
  routesChanged(concerns: (domain: Domain | AddressLiteral) => boolean): void {
    const concerned = new Set<Binding>();
    for (const binding of this.bindings) if (concerns(binding.domain)) concerned.add(binding);
    this.#bindAnew(concerned);
  }

  #bindAnew(concerned: ReadonlySet<Binding>): void {
    const destinations = new Set<Destination>();
    for (const binding of concerned) {
      if (binding.destination !== undefined && binding.destination.readyCount > 0)
        destinations.add(binding.destination);
    }
    for (const destination of destinations)
      for (const parcel of destination.extract((candidate) => this.#leadsTo(candidate, concerned)))
        parcel.partition.putBack(parcel, parcel.sends);
    for (const binding of concerned) {
      this.bindings.unbind(binding);
      binding.isMoving = true;
      this.waiting.release(binding.number);
      this.waiting.letGo(binding.number);
    }
    this.#schedule();
  }

  /**
   * Destination controls or bounce profiles say something else. A domain to which another row applies goes elsewhere;
   * what waits under another schedule than before is looked at now.
   */
  #termsChanged(): void {
    const { terms, settings } = this.#context;
    const concerned = new Set<Binding>();
    const before = new Map<Destination, DeliveryTerms>();
    for (const binding of this.bindings) {
      const { destination, domain } = binding;
      if (destination === undefined) {
        binding.key = undefined;
        continue;
      }
      const now = terms.of(domain);
      if (destinationKey(destination.target, domain, settings.batchBy, now) !== destination.key) {
        concerned.add(binding);
        continue;
      }
      if (!before.has(destination)) before.set(destination, destination.terms);
      destination.follow(now);
      if (isOtherSchedule(before.get(destination)!, now)) this.waiting.release(binding.number);
    }
    this.#bindAnew(concerned);
  }

  /** Mail that waits where these profiles are used is due now, and goes with what they say now (I11). */
  #profilesChanged(profiles: ReadonlySet<string>): void {
    for (const destination of this.destinations.values()) {
      const { authProfile } = destination;
      if (authProfile === undefined || !profiles.has(authProfile)) continue;
      destination.credentialsChanged();
      this.retryNow(destination.bindings);
    }
  }

  #leadsTo({ partition, message: id, sends }: Parcel, bindings: ReadonlySet<Binding>): boolean {
    const message = partition.owner.state.messages.get(id);
    if (message === undefined) return true;
    return sends.some(({ recipients }) =>
      recipients.some((rid) => {
        const recipient = message.recipients.get(rid);
        return recipient !== undefined && bindings.has(this.#bindingOf(recipient.forwardPath));
      }),
    );
  }

  // ---- what destinations tell

  putOff(destination: Destination, parcels: readonly Parcel[], until: number, failure: HostFailure): void {
    this.#each(parcels, (partition, message, recipient, { walk }) => {
      const binding = this.#bindingOf(recipient.forwardPath);
      const { recipient: rid } = recipient;
      partition.underway.delete(message.id, rid);
      if (walk !== undefined)
        endWalk(partition, message, recipient, binding.route, walk, destination.profile, this.#later);
      else if (recipient.lastRouteVersion === 0) recordWait(partition, message, rid, binding.route, until, failure);
      // When that comes up the whole domain is put off, behind what was never tried.
      else this.#wait(partition, message, recipient, binding, recipient.dueAt, false);
    });
  }

  bounce(_destination: Destination, parcels: readonly Parcel[], faults: readonly DestinationFault[]): void {
    this.#each(parcels, (partition, message, { recipient, forwardPath }) =>
      bounceByDns(partition, message, recipient, this.#bindingOf(forwardPath).route, faults, this.#later),
    );
  }

  exhausted(parcel: Parcel): void {
    const { walk, route } = parcel;
    if (walk === undefined) return;
    this.#each([parcel], (partition, message, recipient) => {
      const { bounce } = this.#context.terms.of(this.#bindingOf(recipient.forwardPath).domain);
      endWalk(partition, message, recipient, route, walk, bounce, this.#later);
    });
  }

  #each(
    parcels: readonly Parcel[],
    act: (partition: Partition, message: OpenMessage, recipient: OpenRecipient, parcel: Parcel) => void,
  ): void {
    for (const parcel of parcels) {
      const { partition, message: id, sends } = parcel;
      const message = partition.owner.state.messages.get(id);
      if (message === undefined || !partition.mayStart) continue;
      for (const { recipients } of sends)
        for (const rid of recipients) {
          const recipient = message.recipients.get(rid);
          if (recipient === undefined) partition.underway.delete(id, rid);
          else act(partition, message, recipient, parcel);
        }
    }
  }

  hasRoom(destination: Destination): void {
    for (const binding of destination.held) this.waiting.letGo(binding.number);
    destination.held.clear();
    this.#schedule();
  }

  cameBack(destination: Destination): void {
    for (const binding of destination.bindings) this.waiting.release(binding.number);
    this.hasRoom(destination);
  }

  blocked(destination: Destination): void {
    this.destinations.blocked(destination);
  }

  unblocked(destination: Destination): void {
    this.destinations.unblocked(destination);
  }

  /** A host that was down answers: whoever waits for it goes on. */
  hostCameBack(host: string): void {
    for (const destination of this.destinations.takeWaitingFor(host)) destination.unblock();
  }

  // ---- operators

  /** Makes what waits due now (R210). */
  retryNow(bindings: Iterable<Binding>): void {
    const destinations = new Set<Destination>();
    for (const binding of bindings) {
      this.waiting.release(binding.number);
      if (binding.destination !== undefined) destinations.add(binding.destination);
    }
    for (const destination of destinations) destination.retryNow();
    this.#schedule();
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

function count(partition: Partition, binding: Binding, by: number): void {
  binding.recipients += by;
  partition.counts.add(binding.number, by);
}
