import { fold } from '../fold.ts';
import { PartitionOwner } from '../owner.ts';
import { RULES, type Rules } from '../rules.ts';
import { drawFaults, type Faults } from './faults.ts';
import { Observer } from './observer.ts';
import { Random } from './random.ts';
import { SimulatedBodies } from './simulated-bodies.ts';
import { SimulatedIngress } from './simulated-ingress.ts';
import { SimulatedLog } from './simulated-log.ts';
import { SimulatedWorker } from './simulated-worker.ts';
import { Simulation } from './simulation.ts';
import { type Excuse, Truth } from './truth.ts';
import type { OwnerFactory, World } from './world.ts';

export interface RunResult {
  readonly seed: number;
  readonly violations: readonly string[];
  readonly messages: number;
  readonly recipients: number;
  readonly acknowledged: number;
  readonly comparisons: number;
  readonly excuses: ReadonlyMap<Excuse, number>;
  readonly restatements: number;
  readonly records: number;
}

/** What a mutant changes. */
export interface Variation {
  readonly rules?: Rules;
  readonly fold?: typeof fold;
  readonly owner?: OwnerFactory;
  readonly batchesOf?: World['batchesOf'];
  readonly faults?: Partial<Faults>;
}

const MINUTE = 60_000;
/** What the healthy worker is given to end everything: the longest expiry of a report does not count, retries do. */
const RECOVERY_MS = 90 * MINUTE;

/** One run of the model: hours of hostile weather, then one healthy worker; tells what went wrong. */
export function run(seed: number, variation: Variation = {}): RunResult {
  const random = new Random(seed);
  const faults = { ...drawFaults(random), ...variation.faults };
  const simulation = new Simulation();
  const rules = { ...(variation.rules ?? RULES), sweepAgeMs: 20 * MINUTE };
  const logs = Array.from(
    { length: faults.partitions },
    (_, index) => new SimulatedLog(index, simulation, random, faults),
  );
  const truth = new Truth(faults.embedded);
  const workers: SimulatedWorker[] = [];
  const world: World = {
    simulation,
    random,
    faults,
    rules,
    fold: variation.fold ?? fold,
    batchesOf: variation.batchesOf ?? ((records) => [records]),
    owner: variation.owner ?? ((options) => new PartitionOwner(options)),
    logs,
    bodies: new SimulatedBodies(),
    truth,
    unreadable: new Set(),
    toRemove: new Map(),
    trackerPositions: logs.map(() => 0),
    workers,
    healthy: false,
  };
  const observers = logs.map((log) => new Observer(world, log));
  for (let index = 0; index < (faults.embedded ? 1 : 3); index++) workers.push(new SimulatedWorker(world, `w${index}`));
  new Weather(world, workers, observers).begin();
  const quiet = Math.max(faults.faultyMs, faults.deferAllUntil);
  simulation.runUntil(quiet);
  for (const observer of observers) observer.checkProgress();
  recover(world, workers);
  simulation.runUntil(quiet + 20 * MINUTE + RECOVERY_MS);
  for (const observer of observers) {
    observer.compare();
    observer.conclude();
  }
  concludeAcknowledged(world, observers);
  const recipients = [...truth.recipientCounts.values()].reduce((sum, count) => sum + count, 0);
  return {
    seed,
    violations: truth.violations,
    messages: truth.recipientCounts.size,
    recipients,
    acknowledged: truth.acknowledged.size,
    comparisons: observers.reduce((sum, { compared }) => sum + compared, 0),
    excuses: truth.excuses,
    restatements: logs.reduce(
      (sum, { records }) => sum + records.filter(({ record }) => record.type === 'MessageRestated').length,
      0,
    ),
    records: logs.reduce((sum, { end }) => sum + end, 0),
  };
}

function concludeAcknowledged(world: World, observers: readonly Observer[]): void {
  const { truth, unreadable } = world;
  for (const message of truth.acknowledged) {
    for (let recipient = 0; recipient < truth.recipientCounts.get(message)!; recipient++) {
      const key = `${message}/${recipient}`;
      if (!unreadable.has(key) && !observers.some(({ closed }) => closed.has(key))) truth.violation(`${key} was lost`);
    }
  }
  if (world.faults.undecodable === 0)
    for (const log of world.logs)
      for (const { key } of world.bodies.list(log.partition)) truth.violation(`body ${key} was left behind`);
}

/** One healthy worker remains, and nothing fails any more. */
function recover(world: World, [first, ...others]: readonly SimulatedWorker[]): void {
  world.healthy = true;
  for (const log of world.logs) log.healthy = true;
  for (const other of others) other.crash();
  first!.crash();
  world.simulation.after(1_000, () => {
    first!.start();
    for (const log of world.logs) first!.assign(log.partition);
  });
}

/** What goes wrong during a run, and the mail that comes in meanwhile. */
class Weather {
  readonly #world: World;
  readonly #workers: readonly SimulatedWorker[];
  readonly #observers: readonly Observer[];
  readonly #assigned: (SimulatedWorker | undefined)[] = [];

  constructor(world: World, workers: readonly SimulatedWorker[], observers: readonly Observer[]) {
    this.#world = world;
    this.#workers = workers;
    this.#observers = observers;
  }

  begin(): void {
    const { random, faults, logs, simulation } = this.#world;
    const workers = this.#workers;
    const ingresses = Array.from({ length: faults.ingresses }, () => new SimulatedIngress(this.#world));
    for (let count = 0; count < faults.messages; count++)
      simulation.after(random.next() * faults.faultyMs, () => random.pick(ingresses).accept());
    for (const worker of workers) worker.start();
    for (const log of logs) this.#assign(log.partition, random.pick(workers));
    this.#every(faults.outageEveryMs, () => random.pick(logs).outage(random.spread(1_000, 15 * MINUTE)));
    this.#every(faults.crashEveryMs, () => this.#crash());
    this.#every(faults.pauseEveryMs, () => random.pick(workers).pause(random.spread(1_000, 20 * MINUTE)));
    this.#every(faults.presenceLossEveryMs, () => random.pick(workers).losePresence(random.spread(5_000, 15 * MINUTE)));
    this.#every(faults.reassignEveryMs, () => this.#assign(random.whole(logs.length), random.pick(workers)));
    this.#every(faults.fallBackEveryMs, () => random.pick(logs).fallBack());
    this.#every(faults.brokerStepEveryMs, () => this.#step());
    this.#always(5 * MINUTE, () => random.pick(this.#observers).compare());
    this.#always(MINUTE, () => this.#track());
    this.#every(MINUTE / faults.removed, () => this.#remove());
  }

  #every(meanMs: number, run: () => void): void {
    if (meanMs === Number.POSITIVE_INFINITY) return;
    this.#world.simulation.after(this.#world.random.between(0.2, 1.8) * meanMs, () => {
      if (this.#world.healthy) return;
      run();
      this.#every(meanMs, run);
    });
  }

  #always(meanMs: number, run: () => void): void {
    this.#world.simulation.after(this.#world.random.between(0.5, 1.5) * meanMs, () => {
      run();
      this.#always(meanMs, run);
    });
  }

  #step(): void {
    const { random, logs } = this.#world;
    random.pick(logs).skewMs = random.between(-20_000, 20_000);
  }

  /** The tracker reads on, in steps; it never loses what it had. */
  #track(): void {
    const { random, logs, trackerPositions, truth, healthy } = this.#world;
    for (const log of logs) {
      const position = trackerPositions[log.partition]!;
      if (position < log.start) truth.violation(`the tracker's records below ${log.start} were trimmed at ${position}`);
      if (healthy || random.chance(0.08)) trackerPositions[log.partition] = log.end;
    }
  }

  #remove(): void {
    const { random, toRemove, truth } = this.#world;
    const recent = [...truth.recipientCounts.keys()].slice(-5);
    if (recent.length > 0) toRemove.set(random.pick(recent), random.pick(this.#workers).incarnation);
  }

  #crash(): void {
    const { random, simulation } = this.#world;
    const workers = this.#workers;
    const worker = random.pick(workers);
    if (!worker.up) return;
    worker.crash();
    simulation.after(random.spread(500, 5 * MINUTE), () => {
      if (this.#world.healthy || worker.up) return;
      worker.start();
      for (const [partition, holder] of this.#assigned.entries()) if (holder === worker) worker.assign(partition);
    });
    for (const [partition, holder] of this.#assigned.entries())
      if (holder === worker && workers.length > 1)
        simulation.after(random.between(3_000, 20_000), () => this.#assign(partition, random.pick(workers)));
  }

  #assign(partition: number, worker: SimulatedWorker): void {
    if (this.#world.healthy) return;
    const { random, simulation, faults } = this.#world;
    const before = this.#assigned[partition];
    this.#assigned[partition] = worker;
    if (before === worker) {
      if (worker.up) worker.assign(partition);
      return;
    }
    const late = random.chance(faults.twoOwners) ? random.spread(1_000, 10 * MINUTE) : random.between(0, 200);
    simulation.after(late, () => {
      if (!this.#world.healthy && this.#assigned[partition] !== before) before?.revoke(partition);
    });
    if (worker.up) worker.assign(partition);
  }
}
