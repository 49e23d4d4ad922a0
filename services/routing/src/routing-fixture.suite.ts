import type { ConfigurationLog, LoggedChangeSet, Operation } from '@mailyard/configuration';
import { GrpcServer, type Token } from '@mailyard/grpc';
import type { Domain } from '@mailyard/mail';
import { MemoryConfigurationLog } from '@mailyard/memory';
import { DEFAULT_ROUTE_RULES, printTarget, type RouteDecision, readRoute, readRouteLine } from '@mailyard/smtp-routes';
import { vi } from 'vitest';
import { initialiseConfiguration } from './administration.ts';
import type { RoutingAlarm } from './ports.ts';
import { type Routing, type RoutingOptions, startRouting } from './start-routing.ts';

/** A log whose contents can be exchanged under those who follow it. */
export class ReplaceableLog implements ConfigurationLog {
  inner = new MemoryConfigurationLog();
  /** Set, every call fails so. */
  away: Error | undefined;
  #listeners: (() => void)[] = [];

  replace(inner: MemoryConfigurationLog): void {
    this.inner = inner;
    for (const listener of this.#listeners) inner.watch(listener);
    for (const listener of this.#listeners) listener();
  }

  #reach(): MemoryConfigurationLog {
    if (this.away !== undefined) throw this.away;
    return this.inner;
  }

  async lineage() {
    return this.#reach().lineage();
  }
  async initialise(lineage: string) {
    return this.#reach().initialise(lineage);
  }
  async commit(changeSet: LoggedChangeSet) {
    return this.#reach().commit(changeSet);
  }
  async find(id: string) {
    return this.#reach().find(id);
  }
  async *read(fromVersion: number) {
    yield* this.#reach().read(fromVersion);
  }
  watch(listener: () => void) {
    this.#listeners.push(listener);
    return this.inner.watch(listener);
  }
  async snapshot() {
    return this.#reach().snapshot();
  }
  async writeSnapshot(version: number, payload: Uint8Array) {
    return this.#reach().writeSnapshot(version, payload);
  }
  async close() {
    return this.inner.close();
  }
}

export const LINEAGE = 'test-lineage';

export interface RunningRouting extends Routing {
  readonly address: string;
  readonly alarms: RoutingAlarm[];
  readonly thrown: unknown[];
}

/** Starts routing with a gRPC server on a free port. */
export async function runRouting(
  log: ConfigurationLog,
  options: Partial<RoutingOptions> & { tokens?: Token[]; address?: string } = {},
): Promise<RunningRouting> {
  const { tokens, address: wanted, ...rest } = options;
  const alarms: RoutingAlarm[] = [];
  const thrown: unknown[] = [];
  const grpc = new GrpcServer({
    address: wanted ?? '127.0.0.1:0',
    tokens: tokens ?? [],
    report: (error) => thrown.push(error),
  });
  const routing = await startRouting({
    configurationLog: log,
    lineage: LINEAGE,
    grpc,
    alarm: (alarm) => alarms.push(alarm),
    ...rest,
  });
  const address = await grpc.listen();
  const stop = async (): Promise<void> => {
    await grpc.stop(100);
    await routing.stop();
  };
  return { ...routing, address, alarms, thrown, stop };
}

export async function newLog(): Promise<ReplaceableLog> {
  const log = new ReplaceableLog();
  await initialiseConfiguration(log, LINEAGE, 'test', 0);
  return log;
}

export function put(line: string, expect?: 'absent' | 'present'): Operation {
  const read = readRoute(readRouteLine(line)!, DEFAULT_ROUTE_RULES);
  if ('faults' in read) throw new Error(JSON.stringify(read.faults));
  return { kind: 'set', section: 'routes', item: read.route, ...(expect === undefined ? {} : { expect }) };
}

export const drop = (key: string): Operation => ({ kind: 'remove', section: 'routes', key });

export function answer(decision: RouteDecision | 'unknown' | undefined): string {
  if (decision === undefined || decision === 'unknown') return 'unknown';
  return decision.matched === 'DNS' ? 'DNS' : printTarget(decision.target).join(', ');
}

export const domain = (name: string): Domain => name as Domain;

/** Waits for a condition, never for a time. */
export function until<T>(check: () => T | Promise<T>): Promise<T> {
  return vi.waitFor(check, { timeout: 10_000, interval: 5 });
}
