/** Mail that waits for hosts that are down: what it takes, and how fast it leaves once they are back. */
import { lstatSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { BenchRun, type RunPlan } from './bench-run.ts';
import { table } from './results.ts';
import { printNumber } from './statistics.ts';
import type { MailSystem } from './systems/system.ts';

const POLL_MS = 50;
const QUIET_WITHIN_MS = 240_000;
/** What a system puts off until it has nothing else to do is done by then. */
const SETTLED_MS = 5_000;
const DRAINED_WITHIN_MS = 600_000;

export interface BacklogFigures {
  readonly messages: number;
  readonly acceptedASecond: number;
  /** CPU of acceptance, first attempt and deferral. */
  readonly queueingCpuSeconds: number;
  readonly waiting: number;
  /** Private memory more than before, for each waiting message. */
  readonly memoryOctetsAMessage: number;
  /**
   * Lengths of the files below the system's folder, logs left out, and the blocks that they hold. What an empty queue
   * takes is in it: space that is set aside beforehand cannot be told from space in use.
   */
  readonly diskOctetsAMessage: number;
  readonly diskBlockOctetsAMessage: number;
  readonly firstDeliverySeconds: number;
  readonly drainedASecond: number;
  readonly drainedACpuSecond: number;
  readonly connections: number;
}

/** Fills a queue whose hosts are down, waits for quiet, brings the hosts back, asks for a retry of all, waits for the last. */
export async function measureBacklog(system: MailSystem, plan: RunPlan, messages: number): Promise<BacklogFigures> {
  const run = await BenchRun.start(system, { ...plan, hostsDown: true });
  try {
    await run.quiet();
    const [memoryBefore, cpuBefore] = [run.group.memory(), run.group.cpuSeconds()];
    const began = performance.now();
    await run.send({ messages }).done();
    const accepted = performance.now();
    await run.quiet(QUIET_WITHIN_MS);
    await sleep(SETTLED_MS);
    const [disk, memory, cpuQueued] = [diskUse(run.systemFolder), run.group.memory(), run.group.cpuSeconds()];
    const waiting = await run.running.waiting();
    await run.sinks.start();
    const base = run.sinks.count();
    const back = performance.now();
    await run.running.flush();
    let [first, last, seen] = [0, back, 0];
    while (seen < messages) {
      await sleep(POLL_MS);
      const now = performance.now();
      const transactions = run.sinks.count().transactions - base.transactions;
      if (transactions !== seen) [seen, last, first] = [transactions, now, first || now];
      if (now - back > DRAINED_WITHIN_MS) throw new Error(`${system.name}: ${seen} of ${messages} drained`);
    }
    await run.quiet();
    return {
      messages,
      acceptedASecond: (messages / (accepted - began)) * 1000,
      queueingCpuSeconds: cpuQueued - cpuBefore,
      waiting,
      memoryOctetsAMessage: (memory.anonymousOctets - memoryBefore.anonymousOctets) / messages,
      diskOctetsAMessage: disk.octets / messages,
      diskBlockOctetsAMessage: disk.blockOctets / messages,
      firstDeliverySeconds: (first - back) / 1000,
      drainedASecond: (seen / (last - first)) * 1000,
      drainedACpuSecond: seen / (run.group.cpuSeconds() - cpuQueued),
      connections: run.sinks.count().connections - base.connections,
    };
  } finally {
    await run.stop();
  }
}

export function backlogTable(figures: ReadonlyMap<string, BacklogFigures>): string {
  const keys = Object.keys([...figures.values()][0]!) as (keyof BacklogFigures)[];
  const rows = keys.map((key) => [key, ...[...figures.values()].map((each) => printNumber(each[key]))]);
  return table(['backlog', ...figures.keys()], rows);
}

/** Sizes of all files below a system's folder, without the log files beside the folders of its data. */
function diskUse(folder: string, isData = false): { octets: number; blockOctets: number } {
  let [octets, blockOctets] = [0, 0];
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory() && entry.name !== 'log') {
      const below = diskUse(path, true);
      octets += below.octets;
      blockOctets += below.blockOctets;
    } else if (entry.isFile() && (isData || !entry.name.endsWith('.log'))) {
      const { size, blocks } = lstatSync(path);
      octets += size;
      blockOctets += blocks * 512;
    }
  }
  return { octets, blockOctets };
}
