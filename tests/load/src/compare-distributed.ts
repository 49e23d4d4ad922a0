/** Mailyard on Kafka, Redis and S3 beside an embedded or other system, with the CPU of the neighbours told apart. */
import { compare, type BurstRecord, type Comparison } from './compare.ts';
import { table, type RecordResult } from './results.ts';
import { printNumber, printSpread, spreadOf } from './statistics.ts';
import { distributed, startNeighbours } from './systems/distributed.ts';
import type { MailSystem } from './systems/system.ts';

/** A burst with what the neighbours used while it ran; only those of distributed systems have it. */
export interface DistributedRecord extends BurstRecord {
  readonly kafkaCpuSeconds: number;
  readonly redisCpuSeconds: number;
  readonly s3CpuSeconds: number;
}

/**
 * Pairs of a base and of Mailyard with each number of delivery workers. The neighbours idle during the others' bursts:
 * what they use then is counted by nobody.
 */
export async function compareDistributed(
  base: MailSystem,
  workers: readonly number[],
  comparison: Comparison,
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
    await compare(systems, comparison, measured, () => (before = neighbours.cpuSeconds()));
  } finally {
    await neighbours.stop();
  }
  return records;
}

/** Ratios to the base with Mailyard's own processes, and with the neighbours' CPU counted as Mailyard's. */
export function distributedTable(records: readonly DistributedRecord[], base: string): string {
  const groups = Map.groupBy(
    records.filter(({ pair }) => pair >= 0),
    ({ workload, size, sessions }) => `${workload} ${size} ${sessions}`,
  );
  const head = ['workload', 'size', 'system', 'messages/s', 'own us CPU/message', 'Kafka us', 'Redis us', 'S3 us'];
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
  const others = (each: DistributedRecord): number => each.kafkaCpuSeconds + each.redisCpuSeconds + each.s3CpuSeconds;
  return [
    workload,
    size,
    system,
    printSpread(spreadOf(own.map((each) => each.messagesASecond))),
    cost((each) => each.cpuSeconds),
    ...(isBase
      ? ['', '', '']
      : [
          cost((each) => each.kafkaCpuSeconds),
          cost((each) => each.redisCpuSeconds),
          cost((each) => each.s3CpuSeconds),
        ]),
    ratio((each) => each.messagesASecond),
    ratio((each) => each.messagesACpuSecond),
    // The base never pays for the neighbours.
    ratio((each) => each.messages / (each.cpuSeconds + (bases.get(each.pair) === each ? 0 : others(each)))),
  ];
}
