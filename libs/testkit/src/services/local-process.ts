/**
 * A server as a process of this machine, in a folder of its own.
 *
 * It runs in a session of its own, so that a Ctrl-C for the tests does not reach it, and must not outlive them: beside
 * it a shell waits for the end of a pipe whose other end only the test process holds. When the test process ends, in
 * whatever way, the pipe closes and the shell kills the server.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { openSync, closeSync } from 'node:fs';
import { readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type ServiceUnit, until } from './service-unit.ts';

const STOP_WITHIN_MS = 15_000;

export interface LocalProcessOptions {
  /** Its folder: what it keeps and its log. Removed with it. */
  readonly folder: string;
  readonly command: string;
  readonly parameters: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  /** Whether it answers. */
  readonly ready: () => Promise<boolean>;
  readonly readyWithinMs: number;
}

interface Running {
  readonly child: ChildProcess;
  readonly pid: number;
  readonly guard: ChildProcess;
  readonly ended: Promise<unknown>;
}

export class LocalProcess implements ServiceUnit {
  readonly #options: LocalProcessOptions;
  #running: Running | undefined;

  constructor(options: LocalProcessOptions) {
    this.#options = options;
  }

  /** The process id while it runs, for tests that look at memory or send signals. */
  get pid(): number | undefined {
    return this.#running?.pid;
  }

  async start(): Promise<void> {
    if (this.#running !== undefined) return;
    const running = this.#spawn();
    this.#running = running;
    void running.ended.then(() => {
      running.guard.kill('SIGKILL');
      if (this.#running === running) this.#running = undefined;
    });
    let probing = true;
    const died = running.ended.then(async () => {
      if (probing) throw new Error(`${this.#options.command} ended before it answered: ${await this.#endOfLog()}`);
    });
    const answered = until(
      async () => !probing || (await this.#options.ready()),
      this.#options.readyWithinMs,
      () => `${this.#options.command} did not answer in ${this.#options.readyWithinMs} ms: see ${this.#logFile}`,
    );
    try {
      await Promise.race([answered, died]);
    } catch (error) {
      await this.kill();
      throw error;
    } finally {
      probing = false;
    }
  }

  async stop(): Promise<void> {
    const running = this.#running;
    if (running === undefined) return;
    running.child.ref();
    running.child.kill('SIGCONT');
    running.child.kill('SIGTERM');
    const ended = await Promise.race([running.ended.then(() => true), sleep(STOP_WITHIN_MS, false, { ref: false })]);
    if (!ended) await this.kill();
  }

  async kill(): Promise<void> {
    const running = this.#running;
    if (running === undefined) return;
    running.child.ref();
    running.child.kill('SIGKILL');
    await running.ended;
  }

  async freeze(): Promise<void> {
    const running = this.#running;
    if (running === undefined) return;
    running.child.kill('SIGSTOP');
    // The signal takes effect thread by thread; until then one of them may still answer.
    await until(
      () => isStopped(running.pid),
      STOP_WITHIN_MS,
      () => `${this.#options.command} could not be held still`,
    );
  }

  thaw(): Promise<void> {
    this.#running?.child.kill('SIGCONT');
    return Promise.resolve();
  }

  async remove(): Promise<void> {
    await this.stop();
    await rm(this.#options.folder, { recursive: true, force: true });
  }

  get #logFile(): string {
    return join(this.#options.folder, 'log');
  }

  #spawn(): Running {
    const { command, parameters, environment } = this.#options;
    const log = openSync(this.#logFile, 'a');
    const child = spawn(command, parameters, {
      detached: true,
      stdio: ['ignore', log, log],
      env: { ...process.env, ...environment },
    });
    closeSync(log);
    const ended = Promise.race([once(child, 'exit'), once(child, 'error')]);
    const { pid } = child;
    if (pid === undefined) throw new Error(`${command} could not be started`);
    const guard = spawn('/bin/sh', ['-c', 'cat >/dev/null; kill -KILL "$0"', String(pid)], {
      detached: true,
      stdio: ['pipe', 'ignore', 'ignore'],
    });
    // Neither keeps the test process alive: that would turn a forgotten stop into a hang.
    child.unref();
    guard.unref();
    (guard.stdin as unknown as { unref?: () => void }).unref?.();
    return { child, pid, guard, ended };
  }

  async #endOfLog(): Promise<string> {
    return (await readFile(this.#logFile, 'utf8').catch(() => '')).trim().split('\n').slice(-5).join('\n');
  }
}

/** Whether all of a process stands still. Where the system does not tell, it is taken to. */
async function isStopped(pid: number): Promise<boolean> {
  try {
    const threads = await readdir(`/proc/${pid}/task`);
    const states = await Promise.all(threads.map((thread) => readFile(`/proc/${pid}/task/${thread}/stat`, 'utf8')));
    return states.every((state) => state.slice(state.lastIndexOf(')') + 2).startsWith('T'));
  } catch {
    return true;
  }
}
