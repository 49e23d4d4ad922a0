/** Systems side by side on one workload: all run at once, and take turns burst by burst, so that they meet the same machine. */
import { BenchRun, type BurstFigures, type RunPlan } from './bench-run.ts';
import type { RecordResult } from './results.ts';
import type { MailSystem } from './systems/system.ts';
import { scaled } from './workloads.ts';

export interface Comparison extends RunPlan {
  readonly size: string;
  readonly pairs: number;
  /** Systems are started afresh after so many pairs. */
  readonly pairsAStart: number;
  /** How long a burst should take, roughly. */
  readonly seconds: number;
}

/** One measured burst of one system. */
export interface BurstRecord extends BurstFigures {
  readonly kind: 'burst';
  readonly system: string;
  readonly workload: string;
  readonly size: string;
  readonly sessions: number;
  /** Bursts of the same pair are adjacent in time; -1 is the cold start. */
  readonly pair: number;
}

/**
 * Runs the pairs. Systems take the first place in turn. The first burst after a start, which warms up, is recorded as
 * cold and does not count in the pairs.
 *
 * @param beforeBurst called before each burst; `record` after it
 */
export async function compare(
  systems: readonly MailSystem[],
  comparison: Comparison,
  record: RecordResult,
  beforeBurst: () => void = () => undefined,
): Promise<BurstRecord[]> {
  const records: BurstRecord[] = [];
  const note = (system: MailSystem, pair: number, figures: BurstFigures): void => {
    const { workload, size, sessions } = comparison;
    const one = {
      kind: 'burst',
      system: system.name,
      workload: workload.name,
      size,
      sessions,
      pair,
      ...figures,
    } as const;
    records.push(one);
    record(one);
  };
  for (let pair = 0; pair < comparison.pairs; ) {
    const runs: { run: BenchRun; messages: number }[] = [];
    try {
      for (const system of systems) {
        const run = await BenchRun.start(system, comparison);
        runs.push({ run, messages: 0 });
        const warmUp = scaled(system.warmUp, comparison.workload, comparison.sizeOctets);
        beforeBurst();
        const cold = await run.burst(warmUp);
        note(system, -1, cold);
        runs.at(-1)!.messages = messagesFor(cold, comparison.seconds);
      }
      for (const end = Math.min(comparison.pairs, pair + comparison.pairsAStart); pair < end; pair++) {
        const order = runs.map((_, index) => runs[(index + pair) % runs.length]!);
        for (const each of order) {
          beforeBurst();
          const figures = await each.run.burst(each.messages);
          note(each.run.system, pair, figures);
          each.messages = messagesFor(figures, comparison.seconds);
        }
      }
    } finally {
      for (const { run } of runs) await run.stop();
    }
  }
  return records;
}

function messagesFor({ messagesASecond }: BurstFigures, seconds: number): number {
  return Math.max(20, Math.round(messagesASecond * seconds));
}
