import {
  type DeliverySuspension,
  type DeliveryTermsSource,
  type HostBoard,
  HostStates,
  type LimitBoard,
  type MtaStsPolicies,
  type Relay,
  type Resolver,
  type UnsubscribeList,
  type VirtualGateways,
} from '@mailyard/delivery-rules';
import type { ReportSigner } from '@mailyard/dkim';
import { type Address, type BounceKeys, type Domain, domainOf } from '@mailyard/mail';
import type {
  BodyStore,
  Incarnation,
  PartitionHandler,
  Presence,
  PressureBoard,
  QueueLog,
  Reading,
} from '@mailyard/queue';
import type { RouteLookup } from '@mailyard/smtp-routes';
import { Bodies } from './partitions/bodies.ts';
import { type Clock, systemClock, type Timer } from './clock.ts';
import { steadyNow, type WorkerContext } from './context.ts';
import { emptyLedger, type LedgerCounts } from './outcomes/ledger.ts';
import { LiveQueueView } from './views/live-queue-view.ts';
import { Partition } from './partitions/partition.ts';
import type { QueueView } from './views/queue-view.ts';
import { Reports } from './outcomes/report.ts';
import { Scheduler } from './scheduling/scheduler.ts';
import { type DeliverySettings, type OutgoingCredentials, termsOfSettings } from './settings.ts';
import { SteadyTime } from './partitions/steady-time.ts';

export interface DeliveryOptions {
  readonly queueLog: QueueLog;
  readonly bodyStore: BodyStore;
  readonly routes: RouteLookup;
  readonly resolver: Resolver;
  readonly relay: Relay;
  /** Absent: no policy of MTA-STS is looked for. */
  readonly policies?: MtaStsPolicies;
  readonly presence: Presence;
  readonly pressure: PressureBoard;
  /** What workers tell each other about hosts; absent where there is one worker. */
  readonly hostBoard?: HostBoard;
  /** Where workers share the limits of destination controls; absent where there is one worker. */
  readonly limitBoard?: LimitBoard;
  readonly settings: DeliverySettings;
  /** Absent: what a route with a profile leads to waits. */
  readonly credentials?: OutgoingCredentials;
  /** Absent: this machine has none, and what has one waits. */
  readonly gateways?: VirtualGateways;
  /** Absent: all mail goes by the settings. */
  readonly terms?: DeliveryTermsSource;
  /** What senders are tagged with where a row says so (R140). Absent: with nothing. */
  readonly bounceKeys?: BounceKeys;
  /** Who is sent nothing, as of now (R148). Absent: nobody. */
  readonly unsubscribed?: () => UnsubscribeList | undefined;
  /** Absent: nothing is ever suspended (R211). */
  readonly suspension?: DeliverySuspension;
  /** Signs reports and delay warnings; absent: they go out as they are. */
  readonly signReport?: ReportSigner;
  /** The name of the worker, and this life of it. */
  readonly worker: string;
  readonly incarnation: Incarnation;
  /** Up to where the tracker has read a partition; absent or undefined holds nothing back. */
  readonly trackerPosition?: (partition: number) => number | undefined;
  readonly clock?: Clock;
  /** Numbers in [0, 1). */
  readonly random?: () => number;
}

/** A running delivery worker. */
export interface Delivery {
  readonly queues: QueueView;
  /** The share of the fullest gauge of a partition that this worker owns. */
  pressure(partition: number): number | undefined;
  /** Whether it reads a partition, or looks at what waits there, and does not deliver it yet: others should let it. */
  readonly isTakingOver: boolean;
  /**
   * Stops in order: no new transactions; those under way may end within the drain time; every intent gets its outcome;
   * the partitions are given up.
   */
  stop(): Promise<void>;
}

const TICK_MS = 1_000;
/** How long outcomes may take into the log after the last transaction has ended. */
const WRITING_MS = 5_000;
const POLL_MS = 10;

/** Starts delivering the mail of the partitions that the queue log deals to this process. */
export async function startDelivery(options: DeliveryOptions): Promise<Delivery> {
  const worker = new DeliveryWorker(options);
  await worker.start();
  return worker;
}

class DeliveryWorker implements Delivery, PartitionHandler {
  readonly queues: QueueView;
  readonly #context: WorkerContext;
  readonly #scheduler: Scheduler;
  readonly #partitions = new Map<number, Partition>();
  readonly #ledger: LedgerCounts = emptyLedger();
  #reading: Reading | undefined;
  #tick: Timer | undefined;
  #stopped: Promise<void> | undefined;

  constructor(options: DeliveryOptions) {
    const { settings, queueLog, bodyStore, relay, resolver, clock = systemClock, hostBoard } = options;
    const steady = new SteadyTime(clock.now());
    const bodies = new Bodies(queueLog, bodyStore, settings.hotBodyOctets);
    const hosts = new HostStates();
    const now = (): number => steadyNow({ clock, steady }).wall;
    const base = termsOfSettings(settings);
    const terms: DeliveryTermsSource = options.terms ?? { of: () => base, onChange: () => {} };
    this.#context = {
      ...options,
      clock,
      steady,
      bodies,
      terms,
      gateways: options.gateways ?? { of: () => undefined },
      reports: new Reports(bodies, bodyStore, {
        hostname: settings.hostname,
        termsOf: (path: Address) => terms.of(domainOf(path) || (settings.hostname as Domain)),
        inlineOctets: settings.inlineOctets,
        now,
        ...(options.signReport === undefined ? {} : { sign: options.signReport }),
      }),
      trackerPosition: options.trackerPosition ?? (() => undefined),
      isStopping: false,
    };
    const random = options.random ?? Math.random;
    this.#scheduler = new Scheduler(
      this.#context,
      { relay, resolver, policies: options.policies, hosts, board: hostBoard },
      this.#partitions,
      random,
    );
    this.queues = new LiveQueueView(this.#scheduler, this.#partitions, hosts, this.#ledger, bodies, now);
    hostBoard?.onReport((host, report) => {
      if (hosts.heard(host, report, now())) this.#scheduler.hostCameBack(host);
    });
  }

  async start(): Promise<void> {
    this.#reading = await this.#context.queueLog.join(this);
    this.#sleep();
  }

  #sleep(): void {
    this.#tick = this.#context.clock.after(TICK_MS, () => {
      this.#sleep();
      for (const partition of this.#partitions.values()) partition.tick();
      this.#scheduler.tick();
    });
  }

  pressure(partition: number): number | undefined {
    const known = this.#partitions.get(partition);
    return known?.owner.mayDecide === true ? known.upkeep.pressure() : undefined;
  }

  get isTakingOver(): boolean {
    if (this.#scheduler.isPlacing) return true;
    for (const { isAssigned, owner } of this.#partitions.values()) if (isAssigned && !owner.mayDecide) return true;
    return false;
  }

  #partition(number: number): Partition {
    let partition = this.#partitions.get(number);
    if (partition === undefined) {
      partition = new Partition(number, this.#context, this.#scheduler, this.#ledger);
      this.#partitions.set(number, partition);
    }
    return partition;
  }

  assigned(partition: number): void {
    this.#partition(partition).assigned();
  }

  records(partition: number, records: Parameters<PartitionHandler['records']>[1]): void {
    this.#partition(partition).read(records);
  }

  reset(partition: number, reason: string): void {
    this.#partition(partition).reset(reason);
  }

  revoked(partition: number): void {
    this.#partition(partition).revoked();
  }

  stop(): Promise<void> {
    this.#stopped ??= this.#stop();
    return this.#stopped;
  }

  async #stop(): Promise<void> {
    const { clock, settings } = this.#context;
    this.#context.isStopping = true;
    this.#scheduler.stop();
    // Intents that were read back end by themselves, since nothing may start; those that are not yet do as they are.
    const drained = clock.now().monotonic + settings.drainMs;
    await this.#until(() => this.#isQuiet, drained);
    await this.#scheduler.cut();
    await this.#until(() => this.#isWritten, clock.now().monotonic + WRITING_MS);
    this.#tick?.cancel();
    await this.#scheduler.limits?.leave();
    await this.#reading?.stop();
  }

  /** Whether no attempt is under way. */
  get #isQuiet(): boolean {
    for (const { attempts } of this.#partitions.values()) if (attempts.size > 0) return false;
    return true;
  }

  /** Whether the log holds every outcome. */
  get #isWritten(): boolean {
    if (!this.#isQuiet) return false;
    for (const { appends } of this.#partitions.values()) if (!appends.isIdle) return false;
    return true;
  }

  async #until(condition: () => boolean, deadline: number): Promise<void> {
    while (!condition() && this.#context.clock.now().monotonic < deadline)
      await new Promise<void>((resolve) => setTimeout(resolve, POLL_MS));
  }
}
