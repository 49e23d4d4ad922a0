/** Counts of system calls that matter for mail, taken by strace from all processes of a system under load. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { BenchRun, type RunPlan } from './bench-run.ts';
import type { MailSystem } from './systems/system.ts';

/** Calls for each accepted message. */
export interface CallCounts {
  /** fsync, fdatasync, msync, sync_file_range, syncfs. */
  readonly syncs: number;
  /** Writes to files opened with O_DSYNC or O_SYNC: each waits for the disk as an fsync does. */
  readonly syncedWrites: number;
  readonly renames: number;
  /** Writes to TCP connections, and to sockets between processes of the system. */
  readonly tcpWrites: number;
  readonly localWrites: number;
  readonly tcpConnects: number;
}

const SYNCS: ReadonlySet<string> = new Set(['fsync', 'fdatasync', 'msync', 'sync_file_range', 'syncfs']);
const RENAMES: ReadonlySet<string> = new Set(['rename', 'renameat', 'renameat2']);
const WRITES: ReadonlySet<string> = new Set([
  'write',
  'writev',
  'pwrite64',
  'pwritev',
  'pwritev2',
  'sendto',
  'sendmsg',
  'sendmmsg',
]);
const TRACED = [...SYNCS, ...RENAMES, ...WRITES, 'connect', 'openat'].join(',');
const O_DSYNC = 0o10000;

/** Counts the calls of one burst, after one that warms up. strace slows a system down: nothing else is measured by it. */
export async function countCalls(system: MailSystem, plan: RunPlan, messages: number): Promise<CallCounts> {
  const run = await BenchRun.start(system, plan);
  try {
    await run.burst(Math.min(messages, 200));
    const output = join(run.folder, 'calls');
    const pids = run.group.pids();
    const synced = new Set(pids.flatMap(syncedFiles));
    const attach = pids.flatMap((pid) => ['-p', String(pid)]);
    const words = ['-f', '-qq', '-yy', '-s', '0', '-o', output, '-e', `trace=${TRACED}`, ...attach];
    const strace = spawn('strace', words, { stdio: ['ignore', 'ignore', 'pipe'] });
    const ended = once(strace, 'exit');
    let complaint = '';
    strace.stderr.setEncoding('utf8').on('data', (text: string) => (complaint += text));
    await untilTraced(pids);
    if (strace.exitCode !== null) throw new Error(`strace: ${complaint}`);
    await run.burst(messages);
    strace.kill('SIGINT');
    await ended;
    return countLines(readFileSync(output, 'utf8').split('\n'), synced, messages);
  } finally {
    await run.stop();
  }
}

/**
 * Counts the lines of `strace -f -yy`.
 *
 * @param synced files that were open for synced writing before; those opened meanwhile are found in the lines
 */
export function countLines(lines: readonly string[], synced: ReadonlySet<string>, messages: number): CallCounts {
  const files = new Set(synced);
  const counts = { syncs: 0, syncedWrites: 0, renames: 0, tcpWrites: 0, localWrites: 0, tcpConnects: 0 };
  for (const line of lines) {
    // A call that another thread's line interrupted goes on in a line `<... resumed>`, which does not match.
    const call = /^\d+\s+(\w+)\((.*)/.exec(line);
    if (call === null) continue;
    const [, name = '', rest = ''] = call;
    const target = /^\d+<(.*?)>(?:,|\)| )/.exec(rest)?.[1] ?? '';
    if (SYNCS.has(name)) counts.syncs += 1;
    else if (RENAMES.has(name)) counts.renames += 1;
    else if (name === 'connect') counts.tcpConnects += /sa_family=AF_INET6?\b/.test(rest) ? 1 : 0;
    else if (name === 'openat') {
      const path = /O_D?SYNC/.test(rest) ? /"([^"]+)"/.exec(rest)?.[1] : undefined;
      if (path !== undefined) files.add(path);
    } else if (target.startsWith('TCP')) counts.tcpWrites += 1;
    else if (target.startsWith('UNIX')) counts.localWrites += 1;
    else if (files.has(target)) counts.syncedWrites += 1;
  }
  return Object.fromEntries(
    Object.entries(counts).map(([name, count]) => [name, count / messages]),
  ) as unknown as CallCounts;
}

function syncedFiles(pid: number): string[] {
  const folder = `/proc/${pid}`;
  return readdirSync(`${folder}/fd`).flatMap((fd) => {
    try {
      const flags = /^flags:\s+(\d+)$/m.exec(readFileSync(`${folder}/fdinfo/${fd}`, 'utf8'))?.[1] ?? '0';
      return (Number.parseInt(flags, 8) & O_DSYNC) === 0 ? [] : [readlinkSync(`${folder}/fd/${fd}`)];
    } catch {
      return [];
    }
  });
}

/** strace has a process once the process says that it has a tracer. */
async function untilTraced(pids: readonly number[]): Promise<void> {
  const traced = (pid: number): boolean => {
    try {
      return !/^TracerPid:\s+0$/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
    } catch {
      return true;
    }
  };
  for (const until = Date.now() + 5_000; Date.now() < until && !pids.every(traced); ) await sleep(50);
}
