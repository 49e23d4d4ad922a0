import { readFileSync } from 'node:fs';

/** Hertz of the counters in /proc/stat, fixed by Linux for what user space sees. */
const TICKS_A_SECOND = 100;

/** CPU seconds of the whole machine since it started. */
export interface ProcessorTime {
  readonly busy: number;
  readonly all: number;
}

export function processorTime(): ProcessorTime {
  const line = readFileSync('/proc/stat', 'utf8').split('\n', 1)[0]!;
  const ticks = line.trim().split(/\s+/).slice(1, 9).map(Number);
  const all = ticks.reduce((sum, each) => sum + each, 0);
  return { all: all / TICKS_A_SECOND, busy: (all - ticks[3]! - ticks[4]!) / TICKS_A_SECOND };
}
