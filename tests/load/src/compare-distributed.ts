/** Mailyard on Kafka, Redis and S3 beside an embedded or other system, with the CPU of the neighbours told apart. */
import { BenchRun } from './bench-run.ts';
import { compare, type BurstRecord, type Comparison } from './compare.ts';
import { table, type RecordResult } from './results.ts';
import { printNumber, printSpread, spreadOf } from './statistics.ts';
import { distributed, startNeighbours } from './systems/distributed.ts';
import type { MailSystem } from './systems/system.ts';
import { WORKLOADS } from './workloads.ts';

/** A burst with what the neighbours used while it ran; only those of distributed systems have it. */
export interface DistributedRecord extends BurstRecord {
  readonly kafkaCpuSeconds: number;
  readonly redisCpuSeconds: number;
  readonly s3CpuSeconds: number;
}

/** Messages that go through the broker before anything counts: so many until its JVM has compiled what it runs. */
const BROKER_WARM_UP = 40_000;

/**
 * Pairs of a base and of Mailyard with each number of delivery workers, one comparison after another on the same
 * neighbours. They idle during the others' bursts: what they use then is counted by nobody.
 */
export async function compareDistributed(
  base: MailSystem,
  workers: readonly number[],
  comparisons: readonly Comparison[],
  record: RecordResult,
): Promise<DistributedRecord[]> {
  const neighbours = await startNeighbours(1);
  const records: DistributedRecord[] = [];
  try {
    const systems = [base, ...workers.map((count) => distributed(neighbours, count))];
    let before = neighbours.cpuSeconds();
    const measured = (burst: object): void => {
      const now = neighbours.cpuSeconds();
      const own = {
        ...(burst as BurstRecord),
        kafkaCpuSeconds: now.kafka - before.kafka,
        redisCpuSeconds: now.redis - before.redis,
        s3CpuSeconds: now.s3 - before.s3,
      };
      records.push(own);
      record(own);
    };
    await warmBroker(distributed(neighbours), comparisons[0]!);
    for (const comparison of comparisons)
      await compare(systems, comparison, measured, () => (before = neighbours.cpuSeconds()));
  } finally {
    await neighbours.stop();
  }
  return records;
}

async function warmBroker(system: MailSystem, { folder }: Comparison): Promise<void> {
  const run = await BenchRun.start(system, {
    workload: WORKLOADS.get('relay')!,
    sizeOctets: 4_096,
    sessions: 20,
    folder,
  });
  try {
    for (let sent = 0; sent < BROKER_WARM_UP; sent += BROKER_WARM_UP / 4) await run.burst(BROKER_WARM_UP / 4);
  } finally {
    await run.stop();
  }
}

/** Ratios to the base: with Mailyard's own processes, and with the neighbours' CPU counted as its own. Requests are a message's. */
export function distributedTable(records: readonly DistributedRecord[], base: string): string {
  const groups = Map.groupBy(
    records.filter(({ pair }) => pair >= 0),
    ({ workload, size, sessions }) => `${workload} ${size} ${sessions}`,
  );
  const head = [
    'workload',
    'size',
    'system',
    'messages/s',
    'own us CPU/message',
    'Kafka us',
    'Redis us',
    'S3 us',
    'Produce',
    'Fetch',
  ];
  return table(
    [...head, 'of the base, wall', '**own CPU**', '**all CPU**'],
    [...groups.values()].flatMap((group) => {
      const bases = new Map(group.flatMap((each) => (each.system === base ? [[each.pair, each] as const] : [])));
      const bySystem = Map.groupBy(group, ({ system }) => system);
      return [...bySystem.values()].map((own) => row(own, bases));
    }),
  );
}

function row(own: readonly DistributedRecord[], bases: ReadonlyMap<number, DistributedRecord>): string[] {
  const { workload, size, system } = own[0]!;
  const isBase = bases.get(own[0]!.pair) === own[0];
  const cost = (seconds: (record: DistributedRecord) => number): string =>
    printNumber(spreadOf(own.map((each) => (seconds(each) / each.messages) * 1e6)).median);
  const ratio = (rate: (record: DistributedRecord) => number): string =>
    printSpread(spreadOf(own.map((each) => rate(each) / rate(bases.get(each.pair)!))));
  const requests = (kind: string): string =>
    printNumber(spreadOf(own.map(({ logRequestsAMessage }) => logRequestsAMessage[kind] ?? 0)).median);
  const others = (each: DistributedRecord): number => each.kafkaCpuSeconds + each.redisCpuSeconds + each.s3CpuSeconds;
  return [
    workload,
    size,
    system,
    printSpread(spreadOf(own.map((each) => each.messagesASecond))),
    cost((each) => each.cpuSeconds),
    ...(isBase
      ? ['', '', '', '', '']
      : [
          cost((each) => each.kafkaCpuSeconds),
          cost((each) => each.redisCpuSeconds),
          cost((each) => each.s3CpuSeconds),
          requests('Produce'),
          requests('Fetch'),
        ]),
    ratio((each) => each.messagesASecond),
    ratio((each) => each.messagesACpuSecond),
    // The base never pays for the neighbours.
    ratio((each) => each.messages / (each.cpuSeconds + (bases.get(each.pair) === each ? 0 : others(each)))),
  ];
}
