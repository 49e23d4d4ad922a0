import { performance } from 'node:perf_hooks';

/** Tells, at each call, for what share of the time since the last one the event loop was at work: 0 to 1. */
export function eventLoopShare(): () => number {
  let last = performance.eventLoopUtilization();
  return () => {
    const now = performance.eventLoopUtilization();
    const { utilization } = performance.eventLoopUtilization(now, last);
    last = now;
    return utilization;
  };
}
