/**
 * What a set of processes costs, by control group: CPU of all of them, also of those that ended, and their memory.
 * Version 1 (`cpuacct` and `memory`) or 2, as the machine has it; needs root.
 */
import { existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

const ROOT = '/sys/fs/cgroup';
const PAGE_OCTETS = 4096;
const ENDS_WITHIN_MS = 5_000;

/** Memory of a group at one instant, in octets. */
export interface GroupMemory {
  /** Private memory: page cache and program text left out. */
  readonly anonymousOctets: number;
  /** Resident sizes of the processes added up; pages that they share count once for each. */
  readonly residentOctets: number;
}

let groups = 0;

/** A control group that a system under test, or what loads it, is started in. */
export class MeasuredGroup {
  readonly kind: 'cgroup v1' | 'cgroup v2';
  readonly #cpu: string;
  readonly #memory: string;

  /**
   * @param root where control groups are mounted
   * @throws Error where this machine has no control groups that we may make
   */
  constructor(name: string, root = ROOT) {
    const folder = `mailyard-load-${process.pid}-${++groups}-${name.replaceAll(/\W/g, '-')}`;
    if (existsSync(join(root, 'cpuacct')) && existsSync(join(root, 'memory'))) {
      this.kind = 'cgroup v1';
      this.#cpu = join(root, 'cpuacct', folder);
      this.#memory = join(root, 'memory', folder);
    } else if (existsSync(join(root, 'cgroup.procs'))) {
      this.kind = 'cgroup v2';
      this.#cpu = this.#memory = join(root, folder);
    } else throw new Error(`no control groups below ${root}`);
    for (const each of this.#folders) mkdirSync(each, { recursive: true });
  }

  /** Why nothing can be measured here; undefined when it can. */
  static missing(): string | undefined {
    if (process.getuid?.() !== 0) return 'control groups are made only by root';
    try {
      new MeasuredGroup('probe').remove();
      return undefined;
    } catch (error) {
      return error instanceof Error ? error.message : String(error);
    }
  }

  /** The words that run a command inside the group: for `spawn(words[0], words.slice(1))`. */
  wrap(command: string, parameters: readonly string[]): [string, ...string[]] {
    const enter = this.#folders.map((folder) => `echo $$ > '${folder}/cgroup.procs'`).join(' && ');
    return ['/bin/sh', '-c', `${enter} && exec "$0" "$@"`, command, ...parameters];
  }

  /** Takes a running process in; its children to come are in as well. */
  take(pid: number): void {
    for (const folder of this.#folders) writeFileSync(join(folder, 'cgroup.procs'), String(pid));
  }

  /** CPU seconds, user and system, of all processes of the group since it was made. */
  cpuSeconds(): number {
    if (this.kind === 'cgroup v1') return Number(readFileSync(join(this.#cpu, 'cpuacct.usage'), 'utf8')) / 1e9;
    const usage = /^usage_usec (\d+)$/m.exec(readFileSync(join(this.#cpu, 'cpu.stat'), 'utf8'));
    return Number(usage?.[1]) / 1e6;
  }

  pids(): number[] {
    const text = readFileSync(join(this.#cpu, 'cgroup.procs'), 'utf8');
    return text.split('\n').filter(Boolean).map(Number);
  }

  memory(): GroupMemory {
    let [anonymous, resident] = [0, 0];
    for (const pid of this.pids()) {
      try {
        resident += Number(readFileSync(`/proc/${pid}/statm`, 'utf8').split(' ')[1]) * PAGE_OCTETS;
        anonymous += Number(/^RssAnon:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0) * 1024;
      } catch {
        // It ended meanwhile.
      }
    }
    // The group's own figure counts a page that processes share once.
    return { anonymousOctets: this.#groupAnonymous() ?? anonymous, residentOctets: resident };
  }

  /** Ends what is left in the group and takes the group away. */
  async end(): Promise<void> {
    for (const signal of ['SIGTERM', 'SIGKILL'] as const) {
      for (const until = Date.now() + ENDS_WITHIN_MS; this.pids().length > 0 && Date.now() < until; ) {
        for (const pid of this.pids()) {
          try {
            process.kill(pid, signal);
          } catch {
            // It ended meanwhile.
          }
        }
        await sleep(50);
      }
    }
    this.remove();
  }

  remove(): void {
    for (const folder of this.#folders) rmdirSync(folder);
  }

  get #folders(): readonly string[] {
    return this.#cpu === this.#memory ? [this.#cpu] : [this.#cpu, this.#memory];
  }

  #groupAnonymous(): number | undefined {
    try {
      const text = readFileSync(join(this.#memory, 'memory.stat'), 'utf8');
      const octets = (this.kind === 'cgroup v1' ? /^rss (\d+)$/m : /^anon (\d+)$/m).exec(text)?.[1];
      return octets === undefined ? undefined : Number(octets);
    } catch {
      return undefined;
    }
  }
}
