/** What those who watch events cost: one gateway relays in turn with none, one and three of them. */
import { setTimeout as sleep } from 'node:timers/promises';
import { QueueClient } from '@mailyard/grpc';
import { BenchRun, type RunPlan } from './bench-run.ts';
import { type RecordResult, table } from './results.ts';
import { printNumber, printSpread, type Spread, spreadOf } from './statistics.ts';
import { mailyard, type RunningMailyard } from './systems/mailyard.ts';
import { scaled } from './workloads.ts';

const COUNTS = [0, 1, 3] as const;
const FIRST_WITHIN_MS = 30_000;

/** A message's cost with so many watchers, and its share of that without any, by rounds. */
export interface WatcherFigures {
  readonly watchers: number;
  readonly microseconds: Spread;
  readonly ofNone: Spread;
  /** The rate by the CPU second as a share of that without watchers. */
  readonly pace: Spread;
  readonly eventsAMessage: number;
}

interface Watcher {
  readonly events: () => number;
  stop(): Promise<void>;
}

/** @param rounds of a burst with each number of watchers, the first place alternating */
export async function measureWatchers(
  plan: RunPlan,
  rounds: number,
  messages: number,
  record: RecordResult,
): Promise<WatcherFigures[]> {
  const run = await BenchRun.start(mailyard, plan);
  const costs = COUNTS.map((): number[] => []);
  const events = COUNTS.map(() => 0);
  try {
    const { grpc } = run.running as RunningMailyard;
    await run.burst(scaled(mailyard.warmUp, plan.workload, plan.sizeOctets));
    // The code that tells events is compiled too before anything counts.
    await watched(grpc, 1, () => run.burst(messages));
    for (let round = 0; round < rounds; round++)
      for (let turn = 0; turn < COUNTS.length; turn++) {
        const index = (round + turn) % COUNTS.length;
        const [figures, told] = await watched(grpc, COUNTS[index]!, () => run.burst(messages));
        costs[index]!.push(1e6 / figures.messagesACpuSecond);
        events[index]! += told;
        record({ kind: 'watchers', watchers: COUNTS[index], round, told, ...figures });
      }
  } finally {
    await run.stop();
  }
  return COUNTS.map((watchers, index) => ({
    watchers,
    microseconds: spreadOf(costs[index]!),
    ofNone: spreadOf(costs[index]!.map((cost, round) => cost / costs[0]![round]!)),
    pace: spreadOf(costs[index]!.map((cost, round) => costs[0]![round]! / cost)),
    eventsAMessage: watchers === 0 ? 0 : events[index]! / watchers / (rounds * messages),
  }));
}

export function watchersTable(figures: readonly WatcherFigures[]): string {
  const rows = figures.map(({ watchers, microseconds, ofNone, pace, eventsAMessage }) => [
    String(watchers),
    printSpread(microseconds),
    printSpread(ofNone),
    printSpread(pace),
    printNumber(eventsAMessage),
  ]);
  return table(['watchers', 'us of CPU a message', 'of none', 'pace by the CPU second', 'events a message'], rows);
}

async function watched<T>(grpc: string, count: number, work: () => Promise<T>): Promise<readonly [T, number]> {
  const watchers = await Promise.all(Array.from({ length: count }, () => watch(grpc)));
  const result = await work();
  const told = watchers.reduce((sum, { events }) => sum + events(), 0);
  for (const watcher of watchers) await watcher.stop();
  return [result, told];
}

/** Resolves once it has been told where it stands. */
async function watch(grpc: string): Promise<Watcher> {
  const client = new QueueClient({ addresses: [grpc] });
  let events = 0;
  let isStopped = false;
  const responses = client.watchEvents({ kinds: [], domains: [], senders: [] });
  const first = await Promise.race([responses.next(), sleep(FIRST_WITHIN_MS)]);
  if (first === undefined) throw new Error('a watcher was told nothing');
  const reading = (async () => {
    for await (const response of responses) {
      events += response.events.length;
      if (isStopped) return;
    }
  })();
  return {
    events: () => events,
    // It hears of the end with the next position.
    stop: async () => {
      isStopped = true;
      await reading;
      client.close();
    },
  };
}
