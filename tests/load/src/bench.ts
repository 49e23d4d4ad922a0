/** The whole table of record, in one run. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { type BacklogFigures, backlogTable, measureBacklog } from './backlog.ts';
import type { RunPlan } from './bench-run.ts';
import { type BurstRecord, compare } from './compare.ts';
import { comparisonTable } from './comparison-table.ts';
import { FAULTS, type FaultFigures, faultTable, measureFault } from './faults.ts';
import { latencyTable, measureLatency } from './latency.ts';
import { compareDistributed, distributedTable } from './compare-distributed.ts';
import { machineTable } from './machine.ts';
import { openResults, table } from './results.ts';
import { printNumber } from './statistics.ts';
import { countCalls } from './system-calls.ts';
import { mailyard } from './systems/mailyard.ts';
import { postfix } from './systems/postfix.ts';
import { scaled, SIZES, WORKLOADS } from './workloads.ts';

const SYSTEMS = [postfix, mailyard];
/** Workload, size, sessions; the marks are set on these. */
const MAIN = [
  ['ingest', '4k', 20],
  ['relay', '4k', 20],
  ['relay', '4k', 100],
  ['relay-r10', '4k', 20],
  ['relay-r10x10', '4k', 20],
  ['ingest', '40k', 20],
  ['relay', '40k', 20],
] as const;
const FURTHER = [
  ['ingest', '4k', 100],
  ['ingest', '1m', 20],
  ['relay', '1m', 20],
] as const;

export interface BenchOptions {
  readonly folder: string;
  readonly results: string | undefined;
  /** Every part, but short: shows that all runs, not how fast it is. */
  readonly quick: boolean;
  readonly print: (text: string) => void;
}

/** Measures everything, printing each table when it is there. */
export async function bench({ folder, results, quick, print }: BenchOptions): Promise<void> {
  mkdirSync(folder, { recursive: true });
  const planOf = (
    workload: string,
    size: string,
    sessions: number,
  ): RunPlan & { size: string; sizeOctets: number } => ({
    workload: WORKLOADS.get(workload)!,
    size,
    sizeOctets: SIZES.get(size)!,
    sessions,
    folder: join(folder, workload),
  });
  const timing = (pairs: number) => ({ pairs: quick ? 1 : pairs, pairsAStart: 3, seconds: quick ? 2 : 4 });
  const times = openResults(results, 'parts');
  let began = performance.now();
  const part = (name: string): void => {
    const now = performance.now();
    times({ kind: 'part', name, seconds: (now - began) / 1000 });
    print(`${name}: ${((now - began) / 60_000).toFixed(1)} min`);
    began = now;
  };
  print(await machineTable(SYSTEMS, openResults(results, 'machine')));

  const record = openResults(results, 'bursts');
  const bursts: BurstRecord[] = [];
  for (const [list, pairs] of [[MAIN, 9] as const, [FURTHER, 3] as const])
    for (const [workload, size, sessions] of list)
      bursts.push(...(await compare(SYSTEMS, { ...planOf(workload, size, sessions), ...timing(pairs) }, record)));
  part('bursts');
  print(comparisonTable(bursts, postfix.name));

  const backlogs = new Map<string, BacklogFigures>();
  for (const system of SYSTEMS) {
    const figures = await measureBacklog(system, planOf('relay', '4k', 20), quick ? 3_000 : 50_000);
    openResults(results, 'backlog')({ kind: 'backlog', system: system.name, ...figures });
    backlogs.set(system.name, figures);
  }
  part('backlog');
  print(backlogTable(backlogs));

  const rate = { rate: 200, seconds: quick ? 3 : 10, rounds: quick ? 1 : 3 };
  const waits = await measureLatency(SYSTEMS, planOf('relay', '4k', 100), rate, openResults(results, 'latency'));
  part('latency');
  print(latencyTable(waits, rate.rate));

  const calls = await callsTable(['ingest', 'relay'].map((name) => planOf(name, '4k', 20)));
  part('calls');
  print(calls);

  const faults: FaultFigures[] = [];
  const faultPlan = { otherRate: 100, pairs: quick ? 1 : 7, seconds: quick ? 2 : 3 };
  for (const fault of FAULTS.keys())
    faults.push(
      await measureFault(mailyard, planOf('relay', '4k', 20), fault, faultPlan, openResults(results, 'faults')),
    );
  part('faults');
  print(faultTable(mailyard.name, faults));

  const comparisons = ['ingest', 'relay'].map((name) => ({ ...planOf(name, '4k', 20), ...timing(3) }));
  const apart = await compareDistributed(postfix, [1], comparisons, openResults(results, 'distributed'));
  part('distributed');
  print(distributedTable(apart, postfix.name));
}

async function callsTable(plans: readonly RunPlan[]): Promise<string> {
  const rows: string[][] = [];
  for (const plan of plans)
    for (const system of SYSTEMS) {
      const counts = await countCalls(system, plan, scaled(2_000, plan.workload, plan.sizeOctets));
      rows.push([plan.workload.name, system.name, ...Object.values(counts).map(printNumber)]);
    }
  return table(
    ['calls a message', 'system', 'syncs', 'synced writes', 'renames', 'TCP writes', 'local writes', 'connects'],
    rows,
  );
}
