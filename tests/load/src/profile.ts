/** Where Mailyard's time goes: V8's CPU profile of a loaded gateway, summed by function and by file. */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { BenchRun, type RunPlan } from './bench-run.ts';
import { table } from './results.ts';
import type { MailSystem } from './systems/system.ts';

/** The parts of a `.cpuprofile` that are read. */
export interface CpuProfile {
  readonly nodes: readonly {
    readonly id: number;
    readonly callFrame: { readonly functionName: string; readonly url: string; readonly lineNumber: number };
    readonly children?: readonly number[];
  }[];
  readonly samples: readonly number[];
  /** Microseconds before each sample. */
  readonly timeDeltas: readonly number[];
}

/** Self time of one place. */
export interface ProfileLine {
  readonly place: string;
  /** Share of the time that was not idle. */
  readonly share: number;
}

/** Runs one burst under the profiler. The samples cost some percent; compare shares, not rates. */
export async function profile(system: MailSystem, plan: RunPlan, messages: number): Promise<CpuProfile> {
  const folder = mkdtempSync(join(plan.folder, 'profile-'));
  try {
    const environment = { NODE_OPTIONS: `--cpu-prof --cpu-prof-interval=500 --cpu-prof-dir=${folder}` };
    const run = await BenchRun.start(system, { ...plan, environment });
    try {
      await run.burst(messages);
    } finally {
      await run.stop();
    }
    // The main thread writes by far the most samples; the small ones are those of workers.
    const profiles = readdirSync(folder).map(
      (name) => JSON.parse(readFileSync(join(folder, name), 'utf8')) as CpuProfile,
    );
    return profiles.sort((a, b) => b.samples.length - a.samples.length)[0]!;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** Self times, summed over the nodes of the same place, largest first. */
export function selfTimes(
  { nodes, samples, timeDeltas }: CpuProfile,
  placeOf: (frame: CpuProfile['nodes'][number]['callFrame']) => string,
): ProfileLine[] {
  const frames = new Map(nodes.map((node) => [node.id, node.callFrame]));
  const times = new Map<string, number>();
  let busy = 0;
  for (const [index, id] of samples.entries()) {
    const frame = frames.get(id)!;
    if (frame.functionName === '(idle)') continue;
    const time = timeDeltas[index]!;
    busy += time;
    const place = placeOf(frame);
    times.set(place, (times.get(place) ?? 0) + time);
  }
  return [...times].map(([place, time]) => ({ place, share: time / busy })).sort((a, b) => b.share - a.share);
}

export function profileTable(profile: CpuProfile): string {
  const percent = (share: number): string => `${(share * 100).toFixed(1)} %`;
  const rows = (lines: readonly ProfileLine[], count: number): string[][] =>
    lines.slice(0, count).map(({ place, share }) => [percent(share), place]);
  const file = (url: string): string => url.replace(/^.*\/(?=(libs|services|node_modules)\/)/, '') || '(native)';
  const byFunction = selfTimes(
    profile,
    ({ functionName, url, lineNumber }) => `${functionName || '(anonymous)'} ${file(url)}:${lineNumber + 1}`,
  );
  const byFile = selfTimes(profile, ({ functionName, url }) =>
    url === '' ? functionName : url.startsWith('node:') ? 'node:*' : file(url),
  );
  return `${table(['self', 'function'], rows(byFunction, 45))}\n${table(['self', 'file'], rows(byFile, 30))}`;
}
