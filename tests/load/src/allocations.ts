/** What Mailyard allocates on V8's heap for a message: a count that hardly depends on the machine. */
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { until } from '@mailyard/testkit/services/service-unit';
import { ALLOCATIONS_FOLDER } from './allocation-meter.ts';
import { BenchRun, type RunPlan } from './bench-run.ts';
import type { MailSystem } from './systems/system.ts';

const METER = join(import.meta.dirname, 'allocation-meter.ts');
const ANSWERS_WITHIN_MS = 10_000;

/** Octets of heap for each message of a burst, after one that warms up; of all its processes, main threads only. */
export async function countAllocations(system: MailSystem, plan: RunPlan, messages: number): Promise<number> {
  const folder = mkdtempSync(join(plan.folder, 'allocations-'));
  const environment = { [ALLOCATIONS_FOLDER]: folder, NODE_OPTIONS: `--import=${METER}` };
  try {
    const run = await BenchRun.start(system, { ...plan, environment });
    try {
      // Functions that run often allocate less once they are optimised.
      await run.burst(2 * messages);
      await askAll(run, folder);
      await run.burst(messages);
      return (await askAll(run, folder)) / messages;
    } finally {
      await run.stop();
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
}

async function askAll(run: BenchRun, folder: string): Promise<number> {
  let octets = 0;
  for (const pid of run.group.pids()) {
    const file = join(folder, String(pid));
    rmSync(file, { force: true });
    process.kill(pid, 'SIGUSR2');
    await until(
      () => Promise.resolve(existsSync(file)),
      ANSWERS_WITHIN_MS,
      () => `process ${pid} does not say what it allocated`,
    );
    octets += Number(readFileSync(file, 'utf8'));
  }
  return octets;
}
