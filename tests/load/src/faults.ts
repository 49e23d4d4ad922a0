/** What bad hosts take from the good ones: the rate to a healthy host beside a bad one, as a share of the rate beside a second healthy one. */
import { setTimeout as sleep } from 'node:timers/promises';
import { type BadHosts, deadHosts, startDeferringHost, startSlowHost } from './bad-hosts.ts';
import { BenchRun, type RunPlan } from './bench-run.ts';
import { table, type RecordResult } from './results.ts';
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
  readonly undisturbed: Spread;
  readonly disturbed: Spread;
  readonly share: Spread;
}

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
  const rates: [number[], number[]] = [[], []];
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
    let messages = Math.round((await rateBeside(runs[0]!, 500, { otherRate, others, seconds })) * seconds);
    for (let pair = 0; pair < pairs; pair++) {
      for (const at of pair % 2 === 0 ? [0, 1] : [1, 0]) {
        const rate = await rateBeside(runs[at]!, messages, { otherRate, others, seconds });
        rates[at]!.push(rate);
        record({ kind: 'fault', system: system.name, fault, disturbed: at === 1, pair, rate });
      }
      messages = Math.round(rates[0].at(-1)! * seconds);
    }
  } finally {
    for (const run of runs) await run.stop();
    await bad.stop();
  }
  const share = spreadOf(rates[1].map((rate, at) => rate / rates[0][at]!));
  return { fault, undisturbed: spreadOf(rates[0]), disturbed: spreadOf(rates[1]), share };
}

/** Deliveries a second to the healthy host, with the other mail beside from half a second before. */
async function rateBeside(
  run: BenchRun,
  messages: number,
  { otherRate, others, seconds }: { otherRate: number; others: number; seconds: number },
): Promise<number> {
  const beside = run.inject({
    sessions: 10,
    messages: Math.round(otherRate * (seconds + 1)),
    domains: others,
    firstDomain: 1,
    inTurn: true,
    rate: otherRate,
  });
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
  return (messages / (last - began)) * 1000;
}

export function faultTable(system: string, figures: readonly FaultFigures[]): string {
  const rows = figures.map(({ fault, undisturbed, disturbed, share }) => [
    fault,
    printNumber(undisturbed.median),
    printNumber(disturbed.median),
    printSpread(share),
  ]);
  return table([system, 'undisturbed/s', 'disturbed/s', 'share'], rows);
}
