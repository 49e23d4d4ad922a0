import { setTimeout as sleep } from 'node:timers/promises';
import type { Consumer, EachBatchPayload, Kafka } from 'kafkajs';
import { type Membership, stickyAssigner } from './sticky-assigner.ts';

/** A member that is silent for this long is dead to the group: takeover begins (I5 wants it within 15 s). */
const SESSION_TIMEOUT_MS = 8_000;
const HEARTBEAT_MS = 1_000;
/** How long the group waits for a member to join again. */
const REBALANCE_TIMEOUT_MS = 10_000;
/** A member notices a rebalance when its fetch returns. */
const FETCH_WAIT_MS = 200;
/** Longer than any one step may take: a request (10 s), or joining while others are waited for. */
const SILENCE_LIMIT_MS = 25_000;
const LEAVE_WITHIN_MS = 5_000;

export interface SessionEvents {
  /** Joined: these partitions are ours. Called before anything is fetched of them. */
  joined(partitions: readonly number[]): void;
  /** Whatever was fetched of one partition. */
  batch(payload: EachBatchPayload): Promise<void>;
}

/**
 * One consumer of kafkajs from its start to its end, whatever ends it. It is never restarted: kafkajs's own restart was
 * seen to loop or to leave a consumer that does nothing (#1527, #1720), so whoever holds a session makes the next.
 */
export class GroupSession {
  /** Resolves with the reason once the session is over. */
  readonly over: Promise<string>;
  readonly #consumer: Consumer;
  readonly #topic: string;
  readonly #end: (reason: string) => void;
  #live = true;
  #signAt = performance.now();

  constructor(kafka: Kafka, topic: string, groupId: string, membership: Membership, events: SessionEvents) {
    const { promise, resolve } = Promise.withResolvers<string>();
    this.over = promise;
    this.#end = (reason) => {
      this.#live = false;
      resolve(reason);
    };
    this.#topic = topic;
    this.#consumer = kafka.consumer({
      groupId,
      sessionTimeout: SESSION_TIMEOUT_MS,
      heartbeatInterval: HEARTBEAT_MS,
      rebalanceTimeout: REBALANCE_TIMEOUT_MS,
      maxWaitTimeInMs: FETCH_WAIT_MS,
      maxBytesPerPartition: 1_048_576,
      allowAutoTopicCreation: false,
      partitionAssigners: [stickyAssigner(membership)],
      retry: { retries: 3, initialRetryTime: 100, maxRetryTime: 1_000, restartOnFailure: () => Promise.resolve(false) },
    });
    this.#listen(events);
    void this.#run(events);
  }

  get live(): boolean {
    return this.#live;
  }

  /** Ends it for a reason that its holder saw. */
  end(reason: string): void {
    this.#end(reason);
  }

  /** Ends it if nothing was heard of it for too long. */
  checkSilence(): void {
    const silentMs = performance.now() - this.#signAt;
    if (silentMs > SILENCE_LIMIT_MS) this.#end(`the consumer showed no sign for ${Math.round(silentMs)} ms`);
  }

  seek(partition: number, offset: number): void {
    this.#consumer.seek({ topic: this.#topic, partition, offset: String(offset) });
    this.#consumer.resume([{ topic: this.#topic, partitions: [partition] }]);
  }

  pause(partition: number): void {
    this.#consumer.pause([{ topic: this.#topic, partitions: [partition] }]);
  }

  /** Waits for some work between heartbeats. @throws when the group rebalances meanwhile, as kafkajs wants it */
  async waitFor(work: Promise<void>, heartbeat: () => Promise<void>): Promise<void> {
    const finished = Promise.race([work, this.over]).then(() => true);
    for (;;) {
      const pause = new AbortController();
      const done = await Promise.race([finished, sleep(HEARTBEAT_MS / 2, false, { signal: pause.signal })]);
      pause.abort();
      if (done || !this.#live) return;
      this.#signAt = performance.now();
      await heartbeat();
    }
  }

  /** Leaves the group and closes the connections, in bounded time. */
  async leave(): Promise<void> {
    this.#end('left');
    const left = this.#consumer.disconnect().catch(() => undefined); // it is given up in any case
    await Promise.race([left, sleep(LEAVE_WITHIN_MS, undefined, { ref: false })]);
  }

  #listen(events: SessionEvents): void {
    const { GROUP_JOIN, FETCH, HEARTBEAT, END_BATCH_PROCESS, CRASH } = this.#consumer.events;
    const sign = (): void => {
      this.#signAt = performance.now();
    };
    for (const event of [FETCH, HEARTBEAT, END_BATCH_PROCESS] as const) this.#consumer.on(event, sign);
    this.#consumer.on(GROUP_JOIN, ({ payload }) => {
      sign();
      if (this.#live) events.joined(payload.memberAssignment[this.#topic] ?? []);
    });
    this.#consumer.on(CRASH, ({ payload }) => this.#end(payload.error.message));
  }

  async #run(events: SessionEvents): Promise<void> {
    try {
      await this.#consumer.connect();
      await this.#consumer.subscribe({ topics: [this.#topic], fromBeginning: true });
      await this.#consumer.run({
        autoCommit: false,
        eachBatchAutoResolve: false,
        eachBatch: async (payload) => {
          if (!this.#live) throw new Error('the session is over');
          if (!payload.isStale()) await events.batch(payload);
        },
      });
    } catch (error) {
      this.#end(error instanceof Error ? error.message : String(error));
    }
  }
}
