import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { join } from 'node:path';
import { findProgram } from '@mailyard/testkit/services/command';
import { freePort } from '@mailyard/testkit/services/free-port';
import { isListening, until } from '@mailyard/testkit/services/service-unit';
import type { MeasuredGroup } from './measured-group.ts';

/** What next hops have seen so far. */
export interface SinkCount {
  /** SMTP transactions that were answered 250 after the final dot. */
  readonly transactions: number;
  readonly connections: number;
}

interface Sink {
  readonly port: number;
  child: ChildProcess | undefined;
  counter: number | undefined;
}

/** Next hops that take everything: one smtp-sink of Postfix a port, outside the measured group. */
export class Sinks {
  readonly #sinks: readonly Sink[];
  readonly #folder: string;
  readonly #group: MeasuredGroup;

  private constructor(sinks: readonly Sink[], folder: string, group: MeasuredGroup) {
    this.#sinks = sinks;
    this.#folder = folder;
    this.#group = group;
  }

  /** Chooses ports; nothing listens on them yet. */
  static async reserve(count: number, folder: string, group: MeasuredGroup): Promise<Sinks> {
    const sinks: Sink[] = [];
    for (let i = 0; i < count; i++) sinks.push({ port: await freePort(), child: undefined, counter: undefined });
    return new Sinks(sinks, folder, group);
  }

  get ports(): readonly number[] {
    return this.#sinks.map(({ port }) => port);
  }

  async start(): Promise<void> {
    const program = findProgram('smtp-sink');
    if (program === undefined) throw new Error('smtp-sink of Postfix is needed');
    for (const sink of this.#sinks) {
      sink.counter = openSync(join(this.#folder, `sink-${sink.port}`), 'w+');
      const words = ['-4', '-c', '-m', '1000', '-u', 'nobody', `127.0.0.1:${sink.port}`, '1024'];
      const [shell, ...wrapped] = this.#group.wrap(program, words);
      sink.child = spawn(shell, wrapped, { stdio: ['ignore', sink.counter, 'ignore'] });
    }
    for (const { port } of this.#sinks) {
      await until(
        () => isListening(port),
        10_000,
        () => `smtp-sink does not listen on ${port}`,
      );
    }
  }

  /** @param only the sink of this number; all */
  count(only?: number): SinkCount {
    let [transactions, connections] = [0, 0];
    for (const [number, { counter }] of this.#sinks.entries()) {
      if (only !== undefined && number !== only) continue;
      if (counter === undefined) continue;
      // smtp-sink writes its running counter over and over; the last one in the file is the state.
      const tail = Buffer.alloc(160);
      const length = readSync(counter, tail, 0, tail.length, Math.max(0, fstatSync(counter).size - tail.length));
      const last = [...tail.toString('latin1', 0, length).matchAll(/sess=(\d+) quit=\d+ mesg=(\d+)/g)].at(-1);
      connections += Number(last?.[1] ?? 0);
      transactions += Number(last?.[2] ?? 0);
    }
    return { transactions, connections };
  }

  async stop(): Promise<void> {
    for (const sink of this.#sinks) {
      if (sink.child !== undefined && sink.child.exitCode === null && sink.child.signalCode === null) {
        const ended = once(sink.child, 'exit');
        sink.child.kill('SIGTERM');
        await ended;
      }
      if (sink.counter !== undefined) closeSync(sink.counter);
      sink.child = sink.counter = undefined;
    }
  }
}
