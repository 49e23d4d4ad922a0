import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { GrpcServer, type Token } from '@mailyard/grpc';
import { MemoryConfigurationLog } from '@mailyard/memory';
import { initialiseConfiguration, type Routing, type RoutingOptions, startRouting } from '@mailyard/routing';

const program = join(import.meta.dirname, '../../../../bin/mailyard');

/** What a run of the program left. */
export interface Ended {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface ServedRouting {
  readonly routing: Routing;
  readonly address: string;
  readonly folder: string;
  /** Runs `mailyard WORDS --server ADDRESS` as a process of its own. */
  run(words: readonly string[], input?: string | Uint8Array, env?: Readonly<Record<string, string>>): Promise<Ended>;
  stop(): Promise<void>;
}

/** A routing service on a log in memory, on a free port, for commands to ask. */
export async function serveRouting(
  options: Partial<RoutingOptions> & { readonly tokens?: readonly Token[] } = {},
): Promise<ServedRouting> {
  const { tokens, ...rest } = options;
  const log = new MemoryConfigurationLog();
  await initialiseConfiguration(log, 'lineage', 'test', 0);
  const grpc = new GrpcServer({ address: '127.0.0.1:0', tokens: tokens ?? [], report: () => undefined });
  const routing = await startRouting({
    configurationLog: log,
    lineage: 'lineage',
    grpc,
    release: 'Mailyard test',
    ...rest,
  });
  const address = await grpc.listen();
  const folder = await mkdtemp(join(tmpdir(), 'mailyard-'));
  return {
    routing,
    address,
    folder,
    run: (words, input, env) => runProgram([...words, '--server', address], folder, input, env),
    async stop() {
      await grpc.stop(100);
      await routing.stop();
      await rm(folder, { recursive: true });
    },
  };
}

export function runProgram(
  words: readonly string[],
  cwd: string,
  input: string | Uint8Array = '',
  env: Readonly<Record<string, string>> = {},
): Promise<Ended> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, words, { cwd, env: { ...process.env, USER: 'ann', ...env } });
    let [stdout, stderr] = ['', ''];
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      stdout += text;
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      stderr += text;
    });
    child.on('error', reject);
    child.on('close', (status) => resolve({ status, stdout, stderr }));
    child.stdin.on('error', () => undefined).end(input);
  });
}
