import { setTimeout as sleep } from 'node:timers/promises';

const ANSWER_WITHIN_MS = 5_000;

let found: Promise<boolean> | undefined;

/** Whether a Docker engine answers, by the rules of testcontainers. Asked once a process. */
export function dockerEngine(): Promise<boolean> {
  found ??= Promise.race([ask(), sleep(ANSWER_WITHIN_MS, false, { ref: false })]);
  return found;
}

async function ask(): Promise<boolean> {
  try {
    const { getContainerRuntimeClient } = await import('testcontainers');
    await getContainerRuntimeClient();
    return true;
  } catch {
    return false;
  }
}
