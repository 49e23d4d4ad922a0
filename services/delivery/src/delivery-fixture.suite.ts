/** A delivery worker on memory drivers, a table and a zone of the test's own, and a clock that the test moves. */
import type {
  BounceProfile,
  DeliverySuspension,
  DeliveryTermsSource,
  MtaStsPolicies,
  Relay,
  Resolver,
  UnsubscribeList,
  VirtualGateway,
} from '@mailyard/delivery-rules';
import { DEFAULT_BOUNCE_PROFILE } from '@mailyard/delivery-rules';
import type { Address, AddressLiteral, BounceKeys, Domain } from '@mailyard/mail';
import {
  type AppendFault,
  type InProcessLimitBoard,
  InProcessPresence,
  InProcessPressureBoard,
  MemoryBodyStore,
  MemoryQueueLog,
} from '@mailyard/memory';
import {
  type Copy,
  type Incarnation,
  type Instant,
  type LoggedRecord,
  type QueueLog,
  makeMessageId,
  type MailEvent,
  type MessageAccepted,
  type MessageId,
  type QueueRecord,
  type Reading,
} from '@mailyard/queue';
import { SmtpRelay } from '@mailyard/smtp-client';
import {
  DEFAULT_ROUTE_RULES,
  readRoute,
  readRouteLine,
  type RouteDecision,
  type RouteLookup,
  type RouteTarget,
} from '@mailyard/smtp-routes';
import { onMailEvent } from '@mailyard/telemetry';
import { type Zone, ZoneResolver } from '@mailyard/testkit/zone';
import { SmtpSink } from '@mailyard/testkit/smtp-sink';
import { randomBytes } from 'node:crypto';
import { afterEach } from 'vitest';
import type { Clock, Timer } from './clock.ts';
import {
  type Delivery,
  DELIVERY_DEFAULTS,
  type DeliverySettings,
  type OutgoingCredentials,
  startDelivery,
} from './index.ts';

const START = Date.UTC(2026, 10, 24);

/** Time that passes when a test says so. */
export class TestClock implements Clock {
  #now = 0;
  readonly #timers = new Set<{ readonly at: number; readonly run: () => void }>();
  /** How far the wall clock is ahead of where it should be. */
  jump = 0;

  now(): Instant {
    return { wall: START + this.#now + this.jump, monotonic: this.#now };
  }

  /** Milliseconds since the start. */
  get elapsed(): number {
    return this.#now;
  }

  after(delayMs: number, run: () => void): Timer {
    const timer = { at: this.#now + delayMs, run };
    this.#timers.add(timer);
    return { cancel: () => void this.#timers.delete(timer) };
  }

  /** Timers of a process that died. */
  forget(): void {
    this.#timers.clear();
  }

  /** Lets time pass; what falls due meanwhile runs in order, and gets to do its part before the next. */
  async advance(ms: number): Promise<void> {
    const end = this.#now + ms;
    for (;;) {
      let next: { readonly at: number; readonly run: () => void } | undefined;
      for (const timer of this.#timers) if (timer.at <= end && (next === undefined || timer.at < next.at)) next = timer;
      if (next === undefined) break;
      this.#timers.delete(next);
      this.#now = Math.max(this.#now, next.at);
      next.run();
      await turns(3);
    }
    this.#now = end;
    await turns(3);
  }
}

async function turns(count: number): Promise<void> {
  for (let i = 0; i < count; i++) await new Promise<void>((resolve) => setImmediate(resolve));
}

/** Waits until a condition holds; asks again and again. */
export async function until(
  condition: () => boolean | Promise<boolean>,
  what = String(condition),
  timeoutMs = 45_000,
): Promise<void> {
  const end = performance.now() + timeoutMs;
  while (!(await condition())) {
    if (performance.now() > end) throw new Error(`never came true: ${what}`);
    await new Promise<void>((resolve) => setTimeout(resolve, 2));
  }
}

/** Lets time pass step by step until a condition holds. */
export async function passUntil(
  clock: TestClock,
  condition: () => boolean,
  stepMs: number,
  steps: number,
): Promise<void> {
  for (let i = 0; i < steps && !condition(); i++) {
    await clock.advance(stepMs);
    const end = performance.now() + 20;
    while (!condition() && performance.now() < end) await turns(1);
  }
  await until(condition);
}

interface Entry {
  readonly target: RouteTarget;
  readonly since: number;
}

/** A route table for tests, as lines of a route file: a domain covers those below it, `ALL` the rest. */
export class TestRoutes implements RouteLookup {
  version = 1;
  readonly #entries = new Map<string, Entry>();
  readonly #listeners: ((version: number, concerns: (domain: Domain | AddressLiteral) => boolean) => void)[] = [];
  /** Routing is away: nothing is known. */
  isAway = false;

  constructor(lines: readonly string[]) {
    for (const line of lines) this.#enter(line);
  }

  #enter(line: string): string {
    const read = readRoute(readRouteLine(line)!, DEFAULT_ROUTE_RULES);
    if (!('route' in read)) throw new Error(`${line}: ${JSON.stringify(read)}`);
    const { receivingDomain, target } = read.route;
    this.#entries.set(receivingDomain, { target, since: this.version });
    return receivingDomain;
  }

  #match(domain: string): string {
    for (let name = domain; name !== ''; name = name.split('.').slice(1).join('.'))
      if (this.#entries.has(name)) return name;
    return 'ALL';
  }

  peek(domain: Domain | AddressLiteral): RouteDecision | undefined {
    if (this.isAway) return undefined;
    const matched = this.#match(domain);
    const entry = this.#entries.get(matched);
    if (entry === undefined) return { version: this.version, matched: 'DNS', target: { kind: 'usedns' }, since: 0 };
    return { version: this.version, matched, ...entry };
  }

  async lookup(domain: Domain | AddressLiteral): Promise<RouteDecision | 'unknown'> {
    return this.peek(domain) ?? 'unknown';
  }

  onChange(listener: (version: number, concerns: (domain: Domain | AddressLiteral) => boolean) => void): void {
    this.#listeners.push(listener);
  }

  /** Commits entries on top of those that are there. */
  set(...lines: readonly string[]): void {
    this.version += 1;
    const changed = new Set(lines.map((line) => this.#enter(line)));
    for (const listener of this.#listeners) listener(this.version, (domain) => changed.has(this.#match(domain)));
  }
}

export interface Submission {
  readonly from?: string | null;
  readonly to: readonly string[];
  readonly content?: string;
  /** Recipients by copy, when there are several; default one copy for all. */
  readonly copies?: readonly {
    readonly policy: string;
    readonly priority?: number;
    readonly to: readonly number[];
    readonly prefix?: string;
    readonly skipOctets?: number;
  }[];
  readonly notify?: string;
  readonly maxAgeMs?: number;
  readonly stored?: boolean;
  readonly partition?: number;
  /** The virtual gateway by which it leaves. */
  readonly gateway?: string;
  /** What happens to the stored body before the log has the message. */
  readonly loseBody?: boolean;
  readonly damageBody?: boolean;
  readonly thenStoreAway?: boolean;
}

const CONTENT = 'Subject: test\r\nMessage-ID: <1@sender.example>\r\n\r\nHello.\r\n';

export interface Outcome {
  readonly type: string;
  readonly recipient: string;
  readonly record: QueueRecord;
  /** Seconds since the start. */
  readonly at: number;
}

export interface FixtureOptions {
  readonly routes?: readonly string[];
  readonly zone?: Zone;
  readonly partitions?: number;
  readonly relay?: Relay;
  readonly resolver?: Resolver;
  readonly policies?: MtaStsPolicies;
  readonly trackerPosition?: (partition: number) => number | undefined;
  readonly settings?: Partial<DeliverySettings>;
  readonly credentials?: OutgoingCredentials;
  readonly gateways?: readonly VirtualGateway[];
  readonly terms?: DeliveryTermsSource;
  readonly suspension?: DeliverySuspension;
  readonly bounceKeys?: BounceKeys;
  readonly unsubscribed?: () => UnsubscribeList;
  readonly bounce?: Partial<BounceProfile>;
  readonly limits?: InProcessLimitBoard;
}

interface Member {
  delivery: Delivery | undefined;
  reading: Reading | undefined;
  isDead: boolean;
}

/** One system of a test: a log, stores, a table; and any number of workers on them. */
export class DeliveryFixture {
  readonly clock = new TestClock();
  readonly log: MemoryQueueLog;
  readonly bodies: MemoryBodyStore;
  readonly presence = new InProcessPresence();
  readonly pressure = new InProcessPressureBoard();
  readonly routes: TestRoutes;
  readonly resolver: ZoneResolver;
  readonly events: MailEvent[] = [];
  /** Everything the log holds, as a tracker would see it. */
  readonly records: LoggedRecord[] = [];
  /** Up to where the log was trimmed last. */
  trimmedTo = 0;
  /** What is to go wrong with appends. */
  appendFault: ((records: readonly QueueRecord[]) => AppendFault | undefined) | undefined;
  readonly #options: FixtureOptions;
  readonly #stopListening: () => void;
  #following: Reading | undefined;
  #ids = 0;
  readonly #members: Member[] = [];

  constructor(options: FixtureOptions = {}) {
    this.#options = options;
    this.log = new MemoryQueueLog({
      partitionCount: options.partitions ?? 1,
      now: () => this.clock.now().wall,
      fault: (_partition, records) => this.appendFault?.(records),
    });
    this.bodies = new MemoryBodyStore(() => this.clock.now().wall);
    this.routes = new TestRoutes(options.routes ?? []);
    this.resolver = new ZoneResolver(options.zone ?? {});
    this.#stopListening = onMailEvent((event) => this.events.push(event));
  }

  static async start(options: FixtureOptions = {}): Promise<DeliveryFixture> {
    const fixture = new DeliveryFixture(options);
    await fixture.follow();
    await fixture.startWorker();
    return fixture;
  }

  async follow(): Promise<void> {
    this.#following = await this.log.follow(new Map(), {
      assigned: () => {},
      revoked: () => {},
      reset: () => {},
      records: (_partition, records) => void this.records.push(...records),
    });
  }

  async startWorker(change: Partial<DeliverySettings> & { readonly name?: string } = {}): Promise<Delivery> {
    const { name = `worker-${this.#members.length + 1}`, ...settings } = change;
    const member: Member = { delivery: undefined, reading: undefined, isDead: false };
    this.#members.push(member);
    const delivery = await startDelivery({
      queueLog: this.#logOf(member),
      bodyStore: this.bodies,
      routes: this.routes,
      resolver: this.#options.resolver ?? this.resolver,
      ...(this.#options.policies === undefined ? {} : { policies: this.#options.policies }),
      relay: this.#options.relay ?? new SmtpRelay({ incarnation: name }),
      presence: this.presence,
      pressure: this.pressure,
      settings: {
        ...DELIVERY_DEFAULTS,
        hostname: 'gateway.example',
        exclusive: true,
        drainMs: 2_000,
        bounce: { ...DEFAULT_BOUNCE_PROFILE, ...this.#options.bounce },
        ...this.#options.settings,
        ...settings,
      },
      ...(this.#options.credentials === undefined ? {} : { credentials: this.#options.credentials }),
      gateways: { of: (name) => this.#options.gateways?.find((gateway) => gateway.name === name) },
      ...(this.#options.terms === undefined ? {} : { terms: this.#options.terms }),
      ...(this.#options.unsubscribed === undefined ? {} : { unsubscribed: this.#options.unsubscribed }),
      ...(this.#options.bounceKeys === undefined ? {} : { bounceKeys: this.#options.bounceKeys }),
      ...(this.#options.suspension === undefined ? {} : { suspension: this.#options.suspension }),
      ...(this.#options.limits === undefined ? {} : { limitBoard: this.#options.limits.of(name) }),
      worker: name,
      incarnation: name as Incarnation,
      clock: this.clock,
      ...(this.#options.trackerPosition === undefined ? {} : { trackerPosition: this.#options.trackerPosition }),
    });
    member.delivery = delivery;
    return delivery;
  }

  /** When the test began, in wall time. */
  readonly started = START;

  /** The workers that are alive. */
  get workers(): Delivery[] {
    return this.#members.flatMap(({ delivery, isDead }) => (delivery === undefined || isDead ? [] : [delivery]));
  }

  /** A worker dies: what it does from now on reaches the log no more. */
  async kill(worker: number): Promise<void> {
    const member = this.#alive(worker);
    member.isDead = true;
    this.clock.forget();
    await this.log.abandon(member.reading!, false);
  }

  /** Gives a partition to a worker, or to nobody. */
  deal(partition: number, worker: number | undefined): Promise<void> {
    return this.log.deal(partition, worker === undefined ? undefined : this.#alive(worker).reading);
  }

  #alive(worker: number): Member {
    return this.#members.filter(({ isDead }) => !isDead)[worker]!;
  }

  /** The log as one worker sees it. */
  #logOf(member: Member): QueueLog {
    const { log } = this;
    return {
      partitionCount: log.partitionCount,
      maxBatchOctets: log.maxBatchOctets,
      sizeOf: (record) => log.sizeOf(record),
      append: (partition, records) =>
        member.isDead ? Promise.withResolvers<never>().promise : log.append(partition, records),
      join: async (handler) => (member.reading = await log.join(handler)),
      follow: (from, handler) => log.follow(from, handler),
      read: (partition, offset) => log.read(partition, offset),
      trim: async (partition, before) => {
        this.trimmedTo = before;
        await log.trim(partition, before);
      },
      bounds: (partition) => log.bounds(partition),
      close: () => log.close(),
    };
  }

  /** Attempts that have no outcome in the log. */
  openIntents(): unknown[] {
    const ended = new Set<string>();
    for (const { record } of this.records)
      if ('attempt' in record && 'recipient' in record && record.attempt !== undefined)
        ended.add(`${record.attempt.term}.${record.attempt.sequence}/${record.recipient}`);
    return this.intents().filter(({ attempt, recipients }) =>
      recipients.some((recipient) => !ended.has(`${attempt.term}.${attempt.sequence}/${recipient}`)),
    );
  }

  get alarms(): string[] {
    return this.events.flatMap((event) => (event.kind === 'alarm' ? [event.name] : []));
  }

  get worker(): Delivery {
    return this.workers[0]!;
  }

  async stop(): Promise<void> {
    let isStopped = false;
    const stopped = Promise.all(this.workers.map((worker) => worker.stop())).then(() => {
      isStopped = true;
    });
    // The drain time passes as well.
    while (!isStopped) await this.clock.advance(1_000);
    await stopped;
    await this.#following?.stop();
    await this.log.close();
    this.#stopListening();
  }

  /** Accepts a message as ingress would. */
  async submit(submission: Submission): Promise<MessageId> {
    const { from = 'sender@sender.example', to, content = CONTENT, notify, maxAgeMs = 259_200_000 } = submission;
    const { wall } = this.clock.now();
    const partition = submission.partition ?? 0;
    this.#ids += 1;
    const message = makeMessageId(wall + this.#ids, randomBytes(10));
    const octets = Buffer.from(content, 'latin1');
    const key = `${partition}/${message}/0`;
    const body: MessageAccepted['bodies'][number] =
      submission.stored === true
        ? { kind: 'stored', key, ...(await this.bodies.put(key, [octets])) }
        : { kind: 'inline', octets };
    const groups = submission.copies ?? [{ policy: 'default', to: to.map((_, index) => index) }];
    const copies = groups.map(
      ({ policy, priority = 0, prefix = '', skipOctets = 0 }): Copy => ({
        policy,
        priority,
        body: 0,
        prefix: Buffer.from(prefix, 'latin1'),
        skipOctets,
        sizeOctets: prefix.length + octets.length - skipOctets,
        expiresAt: wall + maxAgeMs,
      }),
    );
    if (submission.loseBody === true) await this.bodies.delete(key);
    if (submission.damageBody === true) await this.bodies.put(key, [octets.fill(0x2a, 20, 21)]);
    if (submission.thenStoreAway === true) this.bodies.fault = 'BODY_STORE_AWAY';
    await this.log.append(partition, [
      {
        type: 'MessageAccepted',
        message,
        at: wall,
        injection: { icid: 'i-1', listener: 'public', clientAddress: '192.0.2.99', helo: 'client.example' },
        reversePath: from as Address | null,
        eightBit: false,
        smtpUtf8: false,
        headerMessageId: '<1@sender.example>',
        copies,
        bodies: [body],
        recipientCount: to.length,
        ...(submission.gateway === undefined ? {} : { gateway: submission.gateway }),
      },
      ...to.map(
        (forwardPath, recipient): QueueRecord => ({
          type: 'RecipientQueued',
          message,
          recipient,
          copy: groups.findIndex((group) => group.to.includes(recipient)),
          forwardPath: forwardPath as Address,
          ...(notify === undefined ? {} : { notify }),
        }),
      ),
    ]);
    return message;
  }

  /** Outcomes that took effect, in order: `RecipientDelivered a@example.com` and so on. */
  get outcomes(): Outcome[] {
    const paths = new Map<string, string>();
    for (const { record } of this.records)
      if (record.type === 'RecipientQueued') paths.set(`${record.message}/${record.recipient}`, record.forwardPath);
    return this.events.flatMap((event) => {
      if (event.kind !== 'outcome' || !('recipient' in event.record)) return [];
      const { record } = event;
      const recipient = paths.get(`${record.message}/${(record as { recipient: number }).recipient}`) ?? '?';
      return [{ type: record.type, recipient, record, at: ((record as { at: number }).at - START) / 1_000 }];
    });
  }

  /** How many recipients have this outcome. */
  count(type: string): number {
    let count = 0;
    for (const event of this.events) if (event.kind === 'outcome' && event.record.type === type) count += 1;
    return count;
  }

  get waiting(): number {
    return this.workers.reduce((sum, { queues }) => sum + queues.status().waiting, 0);
  }

  /** The reports that were accepted: their content. */
  get reports(): string[] {
    return this.#contents(({ reportOf }) => reportOf !== undefined);
  }

  /** The same of delay warnings. */
  get warnings(): string[] {
    return this.#contents(({ warningOf }) => warningOf !== undefined);
  }

  #contents(which: (accepted: MessageAccepted) => boolean): string[] {
    return this.records.flatMap(({ record }) =>
      record.type === 'MessageAccepted' && which(record) && record.bodies[0]?.kind === 'inline'
        ? [Buffer.from(record.bodies[0].octets).toString('latin1')]
        : [],
    );
  }

  intents(): Extract<QueueRecord, { type: 'AttemptIntended' }>[] {
    return this.records.flatMap(({ record }) => (record.type === 'AttemptIntended' ? [record] : []));
  }
}

const stopping: (() => Promise<void>)[] = [];

/** Has something stopped after the test, the last one first. */
export function stopAfterTest(stop: () => Promise<void>): void {
  stopping.push(stop);
}

afterEach(async () => {
  for (const stop of stopping.splice(0).reverse()) await stop();
});

/** A sink that is stopped after the test. */
export async function sink(options: Parameters<typeof SmtpSink.start>[0] = {}): Promise<SmtpSink> {
  const started = await SmtpSink.start(options);
  stopping.push(() => started.stop());
  return started;
}

/** A system with one worker, stopped after the test. */
export async function delivery(options: FixtureOptions): Promise<DeliveryFixture> {
  const fixture = await DeliveryFixture.start(options);
  stopping.push(() => fixture.stop());
  return fixture;
}

export const people = (count: number, domain = 'example.com'): string[] =>
  Array.from({ length: count }, (_, i) => `user${i}@${domain}`);

/** A port where nobody listens. */
export async function deadPort(): Promise<number> {
  const closed = await SmtpSink.start();
  await closed.stop();
  return closed.port;
}
