/** A real Redis server for tests: in a container where a Docker engine is found, else as a process. */
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { findProgram } from './command.ts';
import { ContainerUnit } from './container-unit.ts';
import { dockerEngine } from './docker-engine.ts';
import { freePort } from './free-port.ts';
import { LocalProcess } from './local-process.ts';

const READY_WITHIN_MS = 30_000;
const IMAGE = 'redis:8';

export interface RedisOptions {
  /** `off`: no append-only file at all. Default `always`. */
  readonly appendfsync?: 'always' | 'everysec' | 'no' | 'off';
  readonly maxmemoryPolicy?: string;
}

export interface RedisServer {
  readonly url: string;
  readonly port: number;
  /** `kill -9`. */
  kill(): Promise<void>;
  /** Starts it again on its old data. */
  resume(): Promise<void>;
  freeze(): Promise<void>;
  thaw(): Promise<void>;
  stop(): Promise<void>;
}

export async function startRedis(options: RedisOptions = {}): Promise<RedisServer> {
  const port = await freePort();
  const fsync = options.appendfsync ?? 'always';
  const settings = Object.entries({
    save: '',
    loglevel: 'warning',
    appendonly: fsync === 'off' ? 'no' : 'yes',
    appendfsync: fsync === 'off' ? 'no' : fsync,
    'repl-diskless-sync-delay': '0',
    'shutdown-timeout': '0',
    'maxmemory-policy': options.maxmemoryPolicy ?? 'noeviction',
  }).flatMap(([name, value]) => [`--${name}`, value]);
  const watch = { ready: () => answers(port), readyWithinMs: READY_WITHIN_MS };
  const unit = (await dockerEngine())
    ? new ContainerUnit({
        image: IMAGE,
        command: ['redis-server', ...settings],
        ports: [{ container: 6379, host: port }],
        ...watch,
      })
    : await localServer(port, settings, watch);
  await unit.start();
  return {
    url: `redis://127.0.0.1:${port}`,
    port,
    kill: () => unit.kill(),
    resume: () => unit.start(),
    freeze: () => unit.freeze(),
    thaw: () => unit.thaw(),
    stop: () => unit.remove(),
  };
}

async function localServer(
  port: number,
  settings: readonly string[],
  watch: { readonly ready: () => Promise<boolean>; readonly readyWithinMs: number },
): Promise<LocalProcess> {
  const folder = await mkdtemp(join(tmpdir(), 'mailyard-redis-'));
  return new LocalProcess({
    folder,
    command: findProgram('redis-server') ?? 'redis-server',
    parameters: ['--port', String(port), '--bind', '127.0.0.1', '--dir', folder, ...settings],
    ...watch,
  });
}

/** Whether it answers a PING: while it still loads its data it takes connections and refuses commands. */
async function answers(port: number): Promise<boolean> {
  const client = new Redis(port, '127.0.0.1', {
    lazyConnect: true,
    retryStrategy: () => null,
    enableReadyCheck: false,
    maxRetriesPerRequest: 0,
  });
  client.on('error', () => undefined);
  try {
    await client.connect();
    return (await client.ping()) === 'PONG';
  } catch {
    return false;
  } finally {
    client.disconnect();
  }
}
