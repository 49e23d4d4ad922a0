import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { findProgram } from '@mailyard/testkit/services/command';
import type { MeasuredGroup } from './measured-group.ts';
import type { Injection } from './injector.ts';
import { domainOf, type Workload } from './workloads.ts';

const INJECTOR = join(import.meta.dirname, 'injector.ts');

/** One burst of mail. */
export interface Burst {
  readonly workload: Pick<Workload, 'recipients' | 'domains'>;
  readonly sizeOctets: number;
  readonly sessions: number;
  readonly messages: number;
  /** Domain of the recipients where there is one; the first of the routes. */
  readonly domain?: string;
}

/** A load generator that runs outside the measured group. */
export interface Source {
  /** Set once all mail was answered. */
  readonly ended: boolean;
  /**
   * What it printed.
   *
   * @throws Error when any message was refused or a connection broke
   */
  done(): Promise<string>;
}

/**
 * Sends a burst over sessions that stay open, without pipelining: by smtp-source of Postfix, or by the project's own
 * injector where a message has recipients in several domains, which smtp-source cannot do.
 */
export function startSource(port: number, burst: Burst, group: MeasuredGroup): Source {
  return startCommand(commandOf(port, burst), group);
}

/** Sends what only the project's own injector can: at a given rate, or to very many domains. */
export function startInjector(injection: Injection, group: MeasuredGroup): Source {
  return startCommand([process.execPath, [INJECTOR, JSON.stringify(injection)]], group);
}

function startCommand(command: [string, string[]], group: MeasuredGroup): Source {
  const [shell, ...words] = group.wrap(...command);
  const child = spawn(shell, words, { stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (text: string) => (output += text));
  let ended = false;
  const closed = once(child, 'close').then(([status]) => {
    ended = true;
    if (status !== 0) throw new Error(`the load generator ended with ${String(status)}: ${output.slice(-2000)}`);
    return output;
  });
  closed.catch(() => undefined);
  return {
    get ended() {
      return ended;
    },
    done: () => closed,
  };
}

function commandOf(port: number, burst: Burst): [string, string[]] {
  const { workload, sizeOctets, sessions, messages } = burst;
  const count = String(Math.min(sessions, messages));
  if (workload.domains > 1) {
    const given: Injection = { port, sessions: Number(count), messages, sizeOctets, domains: workload.domains };
    return [process.execPath, [INJECTOR, JSON.stringify(given)]];
  }
  const program = findProgram('smtp-source');
  if (program === undefined) throw new Error('smtp-source of Postfix is needed');
  const domain = burst.domain ?? domainOf(0);
  return [
    program,
    [
      '-4',
      '-d',
      ...['-M', 'client.load.test', '-s', count, '-m', String(messages), '-l', String(sizeOctets)],
      ...['-f', 'sender@client.load.test', '-t', `u@${domain}`],
      ...(workload.recipients > 1 ? ['-r', String(workload.recipients)] : ['-N']),
      `127.0.0.1:${port}`,
    ],
  ];
}
