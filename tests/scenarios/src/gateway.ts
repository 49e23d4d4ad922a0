import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { join } from 'node:path';
import { waitFor } from './wait-for.ts';

export const PROGRAM = join(import.meta.dirname, '../../../bin/mailyard');

/** What a run of the command line gave. */
export interface CommandResult {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs `mailyard` as an operator would and waits for its end. */
export async function mailyard(
  args: readonly string[],
  options: { readonly input?: string; readonly cwd?: string; readonly env?: Record<string, string> } = {},
): Promise<CommandResult> {
  const child = spawn(PROGRAM, args, {
    cwd: options.cwd ?? '/',
    env: { ...process.env, ...options.env },
    stdio: 'pipe',
  });
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  child.stdin.on('error', () => undefined);
  child.stdin.end(options.input ?? '');
  await once(child, 'close');
  return { status: child.exitCode, stdout, stderr };
}

/** What is given on top of a scenario's own folder and free ports, and that a test may say otherwise. */
const OWN: ReadonlySet<string> = new Set(['--data', '--smtp', '--grpc', '--http']);

/** Of two such options the last, since the program takes none twice. */
function lastSaid(args: readonly string[]): string[] {
  const isOver = (at: number): boolean => OWN.has(args[at] ?? '') && args.indexOf(args[at]!, at + 1) > 0;
  return args.filter((_, at) => !isOver(at) && !isOver(at - 1));
}

/** One running `mailyard start`, known only by what it prints and by its ports. */
export class Gateway {
  readonly #child: ChildProcess;
  #output = '';
  #addresses: ReadonlyMap<string, string> = new Map();

  private constructor(child: ChildProcess, logFile: string) {
    this.#child = child;
    const log = createWriteStream(logFile, { flags: 'a' });
    for (const stream of [child.stdout!, child.stderr!]) {
      stream.setEncoding('utf8').on('data', (text: string) => {
        this.#output += text;
        log.write(text);
      });
    }
  }

  /**
   * Starts a gateway and waits until it says that it is ready.
   *
   * @param logFile everything it prints is appended here
   */
  static async start(
    args: readonly string[],
    logFile: string,
    env: Record<string, string> = {},
    cwd = '/',
  ): Promise<Gateway> {
    const child = spawn(PROGRAM, ['start', ...lastSaid(args)], {
      cwd,
      env: { ...process.env, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const gateway = new Gateway(child, logFile);
    await waitFor(() => {
      if (child.exitCode !== null || child.signalCode !== null)
        throw new Error(`mailyard ended (${child.exitCode ?? child.signalCode}): ${gateway.#output}`);
      const line = /^mailyard ready (.*)$/m.exec(gateway.#output)?.[1];
      if (line === undefined) return false;
      gateway.#addresses = new Map(line.split(' ').map((word) => word.split('=', 2) as [string, string]));
      return true;
    }, 60_000);
    return gateway;
  }

  get pid(): number {
    return this.#child.pid!;
  }

  get output(): string {
    return this.#output;
  }

  /** `host:port` as printed on the ready line. */
  address(of: 'smtp' | 'grpc' | 'http'): string {
    const address = this.#addresses.get(of);
    if (address === undefined) throw new Error(`the ready line names no ${of}`);
    return address;
  }

  /** Of the first listener. */
  get smtpPort(): number {
    return Number(this.address('smtp').split(',')[0]!.split(':').at(-1));
  }

  get running(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null;
  }

  /** Runs a command of the command line against this gateway. */
  command(...args: string[]): Promise<CommandResult> {
    return mailyard([...args, '--server', this.address('grpc')]);
  }

  /** The same, its JSON read. */
  async json<T>(...args: string[]): Promise<T> {
    const result = await this.command(...args, '--json');
    if (result.status !== 0) throw new Error(`${args.join(' ')}: exit ${result.status}: ${result.stderr}`);
    return JSON.parse(result.stdout) as T;
  }

  signal(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  /** Ends it with a signal and waits; resolves to its exit status, null when the signal ended it. */
  async end(signal: 'SIGTERM' | 'SIGKILL' = 'SIGTERM'): Promise<number | null> {
    if (this.running) {
      const closed = once(this.#child, 'close');
      this.#child.kill(signal);
      await closed;
    }
    return this.#child.exitCode;
  }
}
