/** How long a client waits for its 250 while mail comes at a rate that all systems can carry. */
import { BenchRun, type RunPlan } from './bench-run.ts';
import type { InjectionResult } from './injector.ts';
import { table, type RecordResult } from './results.ts';
import { printSpread, spreadOf } from './statistics.ts';
import type { MailSystem } from './systems/system.ts';
import { scaled } from './workloads.ts';

export interface OfferedRate {
  /** Messages a second. */
  readonly rate: number;
  readonly seconds: number;
  readonly rounds: number;
}

/** Systems take turns, each relaying at the same offered rate; sessions are enough that none has to wait for one. */
export async function measureLatency(
  systems: readonly MailSystem[],
  plan: RunPlan,
  { rate, seconds, rounds }: OfferedRate,
  record: RecordResult,
): Promise<Map<string, InjectionResult[]>> {
  const results = new Map<string, InjectionResult[]>(systems.map(({ name }) => [name, []]));
  const runs: BenchRun[] = [];
  try {
    for (const system of systems) {
      const run = await BenchRun.start(system, plan);
      runs.push(run);
      await run.burst(scaled(system.warmUp, plan.workload, plan.sizeOctets));
    }
    for (let round = 0; round < rounds; round++) {
      for (const run of runs) {
        const source = run.inject({ sessions: plan.sessions, messages: rate * seconds, domains: 1, rate });
        const result = JSON.parse(await source.done()) as InjectionResult;
        await run.quiet();
        results.get(run.system.name)!.push(result);
        record({ kind: 'latency', system: run.system.name, rate, sessions: plan.sessions, round, ...result });
      }
    }
  } finally {
    for (const run of runs) await run.stop();
  }
  return results;
}

export function latencyTable(results: ReadonlyMap<string, readonly InjectionResult[]>, rate: number): string {
  const rows = [...results].map(([system, each]) => [
    system,
    String(rate),
    printSpread(spreadOf(each.map(({ dotMs }) => dotMs.p50))),
    printSpread(spreadOf(each.map(({ dotMs }) => dotMs.p99))),
    printSpread(spreadOf(each.map(({ dueMs }) => dueMs.p99))),
  ]);
  return table(['system', 'offered/s', 'dot to 250, p50 ms', 'dot to 250, p99 ms', 'due to 250, p99 ms'], rows);
}
