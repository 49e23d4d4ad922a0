import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { until } from '@mailyard/testkit/services/service-unit';
import { MAILYARD_PROGRAM } from './systems/mailyard.ts';

const WITHIN_MS = 600_000;
const POLL_MS = 200;

export interface MemoryFigures {
  /** Heap used and external, after a full collection of garbage. */
  readonly octets: number;
  readonly heapOctets: number;
  readonly rssOctets: number;
}

/** Seconds, the worst of each second since they were taken last. */
export interface DelayWatch {
  take(): readonly number[];
  stop(): void;
}

/** A gateway of its own process, seen through its metrics, `/proc` and the inspector. */
export class ObservedGateway {
  readonly grpc: string;
  readonly http: string;
  readonly smtpPort: number;
  readonly #child: ChildProcess;
  readonly #inspector: string;
  #watch: NodeJS.Timeout | undefined;

  private constructor(child: ChildProcess, output: string) {
    this.#child = child;
    this.#inspector = /Debugger listening on (ws:\S+)/.exec(output)![1]!;
    const address = (of: string): string => new RegExp(`${of}=(\\S+)`).exec(output)![1]!;
    this.grpc = address('grpc');
    this.http = address('http');
    this.smtpPort = Number(address('smtp').split(':').at(-1));
  }

  /** @param output what it prints goes into this file, which is begun anew */
  static async start(words: readonly string[], output: string): Promise<ObservedGateway> {
    writeFileSync(output, '');
    const log = openSync(output, 'a');
    const free = ['--smtp', '127.0.0.1:0', '--grpc', '127.0.0.1:0', '--http', '127.0.0.1:0'];
    const child = spawn(MAILYARD_PROGRAM, ['start', ...free, ...words], {
      env: { ...process.env, NODE_OPTIONS: '--inspect=127.0.0.1:0' },
      stdio: ['ignore', log, log],
    });
    closeSync(log);
    await until(
      () => {
        const text = readFileSync(output, 'utf8');
        if (child.exitCode !== null) throw new Error(`mailyard ended with ${child.exitCode}: ${text.slice(-2000)}`);
        return Promise.resolve(/^mailyard ready /m.test(text));
      },
      WITHIN_MS,
      () => `mailyard did not become ready: ${readFileSync(output, 'utf8').slice(-2000)}`,
    );
    return new ObservedGateway(child, readFileSync(output, 'utf8'));
  }

  /** The sum of a metric over its labels. */
  async value(metric: string): Promise<number> {
    return valueIn(await this.#metrics(), metric);
  }

  async #metrics(): Promise<string> {
    return (await fetch(`http://${this.http}/metrics`)).text();
  }

  async until(metric: string, condition: (value: number) => boolean): Promise<void> {
    for (const deadline = performance.now() + WITHIN_MS; !condition(await this.value(metric)); ) {
      if (performance.now() > deadline) throw new Error(`${metric} is ${await this.value(metric)}`);
      await sleep(POLL_MS);
    }
  }

  /** Collects the 99th percentile of the event loop's delay, second by second. */
  watchDelay(): DelayWatch {
    let delays: number[] = [];
    this.#watch = setInterval(() => {
      this.value('mailyard_event_loop_delay_seconds').then(
        (delay) => delays.push(delay),
        () => undefined,
      );
    }, 1_000);
    return {
      take: () => {
        const taken = delays;
        delays = [];
        return taken;
      },
      stop: () => clearInterval(this.#watch),
    };
  }

  async memory(): Promise<MemoryFigures> {
    const socket = new WebSocket(this.#inspector);
    await once(socket, 'open');
    let number = 0;
    const call = async (method: string, params: object = {}): Promise<unknown> => {
      const id = ++number;
      const answered = new Promise<unknown>((resolve) => {
        socket.addEventListener('message', ({ data }) => {
          const answer = JSON.parse(String(data)) as { id?: number; result?: unknown };
          if (answer.id === id) resolve(answer.result);
        });
      });
      socket.send(JSON.stringify({ id, method, params }));
      return answered;
    };
    await call('HeapProfiler.collectGarbage');
    const expression = 'JSON.stringify(process.memoryUsage())';
    const { result } = (await call('Runtime.evaluate', { expression })) as { result: { value: string } };
    socket.close();
    const { heapUsed, external, rss } = JSON.parse(result.value) as NodeJS.MemoryUsage;
    return { octets: heapUsed + external, heapOctets: heapUsed, rssOctets: rss };
  }

  /** CPU that its main thread has used, which tells more than the clock where others use the machine. */
  mainThreadSeconds(): number {
    return secondsIn(`/proc/${this.#child.pid}/task/${this.#child.pid}/stat`);
  }

  /** CPU that all of its threads have used. */
  cpuSeconds(): number {
    return secondsIn(`/proc/${this.#child.pid}/stat`);
  }

  /** The most that was ever resident. */
  peakMiB(): number {
    const status = readFileSync(`/proc/${this.#child.pid}/status`, 'utf8');
    return Number(/VmHWM:\s+(\d+)/.exec(status)![1]) / 1_024;
  }

  async stop(): Promise<void> {
    clearInterval(this.#watch);
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const ended = once(this.#child, 'exit');
    this.#child.kill('SIGTERM');
    await ended;
  }
}

/** User and system time of a `stat` file, which counts in hundredths of a second. */
function secondsIn(stat: string): number {
  const fields = readFileSync(stat, 'utf8').split(') ')[1]!.split(' ');
  return (Number(fields[11]) + Number(fields[12])) / 100;
}

function valueIn(page: string, metric: string): number {
  const found = [...page.matchAll(new RegExp(`^${metric}(?:\\{[^}]*\\})? (\\S+)`, 'gm'))];
  // What is not known yet must not be taken for nothing.
  return found.length === 0 ? Number.NaN : found.reduce((sum, [, value]) => sum + Number(value), 0);
}
