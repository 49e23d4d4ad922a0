import type { BurstRecord } from './compare.ts';
import { table } from './results.ts';
import { printNumber, printSpread, spreadOf } from './statistics.ts';

const HEAD = [
  'workload',
  'size',
  'sessions',
  'system',
  'pairs',
  'messages/s',
  'messages/CPU s',
  'us CPU/message',
  'of the base, wall',
  '**of the base, per CPU s**',
  'cold: messages/CPU s',
  'peak MB private / resident',
  'connections/message',
  'CPU of others',
];

/** The bursts of any number of comparisons, a row for each system; ratios are those of pairs, to the system named. */
export function comparisonTable(records: readonly BurstRecord[], base: string): string {
  const groups = Map.groupBy(records, ({ workload, size, sessions }) => `${workload} ${size} ${sessions}`);
  return table(
    HEAD,
    [...groups.values()].flatMap((group) => {
      const bySystem = Map.groupBy(group, ({ system }) => system);
      const bases = new Map((bySystem.get(base) ?? []).map((each) => [each.pair, each]));
      return [...bySystem.values()].map((own) => row(own, bases));
    }),
  );
}

function row(own: readonly BurstRecord[], bases: ReadonlyMap<number, BurstRecord>): string[] {
  const warm = own.filter(({ pair }) => pair >= 0);
  const cold = own.filter(({ pair }) => pair < 0);
  const pairs = warm.flatMap((each) => (bases.has(each.pair) ? [[each, bases.get(each.pair)!] as const] : []));
  const { workload, size, sessions, system } = own[0]!;
  const ratio = (figure: (record: BurstRecord) => number): string =>
    pairs.length === 0 ? '' : printSpread(spreadOf(pairs.map(([each, other]) => figure(each) / figure(other))));
  const median = (figure: (record: BurstRecord) => number, of = warm): string =>
    printNumber(spreadOf(of.map(figure)).median);
  return [
    workload,
    size,
    String(sessions),
    system,
    String(warm.length),
    printSpread(spreadOf(warm.map((each) => each.messagesASecond))),
    printSpread(spreadOf(warm.map((each) => each.messagesACpuSecond))),
    median((each) => 1e6 / each.messagesACpuSecond),
    ratio((each) => each.messagesASecond),
    `**${ratio((each) => each.messagesACpuSecond)}**`,
    median((each) => each.messagesACpuSecond, cold),
    `${median((each) => each.peakMegabytes)} / ${median((each) => each.peakResidentMegabytes)}`,
    median((each) => each.connectionsAMessage),
    median((each) => each.foreignShare),
  ];
}
