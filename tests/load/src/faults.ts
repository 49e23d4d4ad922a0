/** What bad hosts take from the good ones: the rate to a healthy host beside a bad one, as a share of the rate beside a second healthy one. */
import { setTimeout as sleep } from 'node:timers/promises';
import { type BadHosts, deadHosts, startDeferringHost, startSlowHost } from './bad-hosts.ts';
import { BenchRun, type RunPlan } from './bench-run.ts';
import { table, type RecordResult } from './results.ts';
import type { Source } from './source.ts';
import { printNumber, printSpread, type Spread, spreadOf } from './statistics.ts';
import type { MailSystem } from './systems/system.ts';
import { domainOf, scaled } from './workloads.ts';

const POLL_MS = 20;
const DELIVERED_WITHIN_MS = 120_000;

export const FAULTS: ReadonlyMap<string, () => Promise<BadHosts>> = new Map([
  ['one dead host', () => deadHosts(1)],
  ['one host, a byte a second', startSlowHost],
  ['one host that answers 450', startDeferringHost],
  ['a thousand dead domains', () => deadHosts(1000)],
]);

export interface FaultPlan {
  /** Messages a second for the other host or hosts, all the time. */
  readonly otherRate: number;
  readonly pairs: number;
  readonly seconds: number;
}

export interface FaultFigures {
  readonly fault: string;
  /** Deliveries a second to the healthy host. */
  readonly undisturbed: Spread;
  readonly disturbed: Spread;
  /** The second as a share of the first, pair by pair: by the clock, and by the CPU second of the system. */
  readonly shareByClock: Spread;
  readonly shareByCpu: Spread;
  /** Deliveries at a steady rate that leaves room, both systems at once: what of it the disturbed one kept. */
  readonly steadyShare: number;
  /** CPU of the machine that went to neither the systems nor the load. */
  readonly foreignShare: Spread;
}

interface Beside {
  readonly aSecond: number;
  readonly aCpuSecond: number;
  readonly foreignShare: number;
}

/** For the healthy host, of each of two systems at once: well below what one can do. */
const STEADY_RATE = 100;
const STEADY_SECONDS = 12;
/** Until deliveries have come into step. */
const STEADY_AFTER_MS = 3_000;
/** With more of the machine in other hands than this, the clock says little. */
const MOST_FOREIGN = 0.1;
const MARK = 0.9;

/**
 * Two instances of the system take turns: one whose other host is healthy, one whose other host or hosts are bad. Both
 * get the same mail: as much as 20 sessions bring for the healthy host, and a steady rate for the other.
 */
export async function measureFault(
  system: MailSystem,
  plan: RunPlan,
  fault: string,
  { otherRate, pairs, seconds }: FaultPlan,
  record: RecordResult,
): Promise<FaultFigures> {
  const bad = await FAULTS.get(fault)!();
  const others = bad.destinations.length;
  const routesTo =
    (destinations: (index: number) => string) =>
    ([healthy]: readonly number[]) => [
      { domain: domainOf(0), destinations: [`127.0.0.1:${healthy}`] },
      ...Array.from({ length: others }, (_, at) => ({ domain: domainOf(at + 1), destinations: [destinations(at)] })),
    ];
  const runs: BenchRun[] = [];
  const figures: [Beside[], Beside[]] = [[], []];
  try {
    for (const isBad of [false, true]) {
      const run = await BenchRun.start(system, {
        ...plan,
        sinks: 2,
        routes: (ports) => routesTo((at) => (isBad ? bad.destinations[at]! : `127.0.0.1:${ports[1]}`))(ports),
      });
      runs.push(run);
      await run.burst(scaled(system.warmUp, plan.workload, plan.sizeOctets));
    }
    const other = { otherRate, others, seconds };
    let messages = Math.round((await rateBeside(runs[0]!, 500, other)).aSecond * seconds);
    await rateBeside(runs[1]!, messages, other);
    for (let pair = 0; pair < pairs; pair++) {
      for (const at of pair % 2 === 0 ? [0, 1] : [1, 0]) {
        const one = await rateBeside(runs[at]!, messages, other);
        figures[at]!.push(one);
        record({ kind: 'fault', system: system.name, fault, disturbed: at === 1, pair, ...one });
      }
      messages = Math.round(figures[0].at(-1)!.aSecond * seconds);
    }
    const steadyShare = await steadyBeside(runs, { otherRate, others });
    record({ kind: 'fault', system: system.name, fault, steadyShare });
    const [good, beside] = figures;
    const spread = (of: readonly Beside[], what: keyof Beside): Spread => spreadOf(of.map((one) => one[what]));
    const share = (what: keyof Beside): Spread => spreadOf(beside.map((one, at) => one[what] / good[at]![what]));
    return {
      fault,
      undisturbed: spread(good, 'aSecond'),
      disturbed: spread(beside, 'aSecond'),
      shareByClock: share('aSecond'),
      shareByCpu: share('aCpuSecond'),
      steadyShare,
      foreignShare: spread([...good, ...beside], 'foreignShare'),
    };
  } finally {
    for (const run of runs) await run.stop();
    await bad.stop();
  }
}

/** Deliveries to the healthy host, with the other mail beside from half a second before. */
async function rateBeside(
  run: BenchRun,
  messages: number,
  { otherRate, others, seconds }: { otherRate: number; others: number; seconds: number },
): Promise<Beside> {
  const usage = run.usage();
  const beside = injectOthers(run, { otherRate, others, seconds: seconds + 1 });
  await sleep(500);
  const before = run.sinks.count(0).transactions;
  const began = performance.now();
  const source = run.send({ messages });
  let [last, seen] = [began, 0];
  while (seen < messages) {
    await sleep(POLL_MS);
    const transactions = run.sinks.count(0).transactions - before;
    if (transactions !== seen) [seen, last] = [transactions, performance.now()];
    if (performance.now() - began > DELIVERED_WITHIN_MS)
      throw new Error(`${run.system.name}: ${seen} of ${messages} delivered to the healthy host`);
  }
  await source.done();
  await beside.done();
  await run.quiet();
  const { cpuSeconds, foreignShare } = run.usageSince(usage);
  return { aSecond: (messages / (last - began)) * 1000, aCpuSecond: messages / cpuSeconds, foreignShare };
}

/**
 * Both systems at once, so that whatever else the machine does hits both alike: the same steady rate for the healthy
 * host of each. Tells what the disturbed one delivered in the same seconds, as a share of what the other did.
 */
async function steadyBeside(
  runs: readonly BenchRun[],
  { otherRate, others }: { otherRate: number; others: number },
): Promise<number> {
  const sources = runs.flatMap((run) => [
    injectOthers(run, { otherRate, others, seconds: STEADY_SECONDS }),
    run.inject({ sessions: 10, messages: STEADY_RATE * STEADY_SECONDS, domains: 1, rate: STEADY_RATE }),
  ]);
  await sleep(STEADY_AFTER_MS);
  const counts = (): number[] => runs.map((run) => run.sinks.count(0).transactions);
  const before = counts();
  await sleep(1_000 * STEADY_SECONDS - STEADY_AFTER_MS - 1_000);
  const [undisturbed, disturbed] = counts().map((count, at) => count - before[at]!);
  for (const source of sources) await source.done();
  return disturbed! / undisturbed!;
}

function injectOthers(
  run: BenchRun,
  { otherRate, others, seconds }: { otherRate: number; others: number; seconds: number },
): Source {
  return run.inject({
    sessions: 10,
    messages: Math.round(otherRate * seconds),
    domains: others,
    firstDomain: 1,
    inTurn: true,
    rate: otherRate,
  });
}

/** Whether the mark is reached for all that the quartiles tell: by the clock, or by CPU where others had the machine. */
export function verdictOn({ shareByClock, shareByCpu, steadyShare, foreignShare }: FaultFigures): string {
  const isClockGood = foreignShare.median <= MOST_FOREIGN;
  const share = isClockGood ? shareByClock : shareByCpu;
  const by = isClockGood ? 'clock' : 'CPU';
  if (share.lower >= MARK && steadyShare >= MARK) return `reached, by ${by}`;
  return share.upper < MARK || steadyShare < MARK
    ? `missed, by ${share.upper < MARK ? by : 'steady rate'}`
    : `open, by ${by}`;
}

export function faultTable(system: string, figures: readonly FaultFigures[]): string {
  const rows = figures.map((one) => [
    one.fault,
    printNumber(one.undisturbed.median),
    printNumber(one.disturbed.median),
    printSpread(one.shareByClock),
    printSpread(one.shareByCpu),
    printNumber(one.steadyShare),
    printNumber(one.foreignShare.median),
    String(one.shareByClock.count),
    verdictOn(one),
  ]);
  const head = ['undisturbed/s', 'disturbed/s', 'share', 'by CPU second', 'at a steady rate', 'CPU of others', 'pairs'];
  return table([system, ...head, `mark ${MARK}`], rows);
}
