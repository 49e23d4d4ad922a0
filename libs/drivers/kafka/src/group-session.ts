import { setTimeout as sleep } from 'node:timers/promises';
import type { Consumer, Kafka } from 'kafkajs';
import type { RequestCounts } from './request-counts.ts';
import { type Membership, stickyAssigner } from './sticky-assigner.ts';

/** A member that is silent for this long is dead to the group: takeover begins (I5 wants it within 15 s). */
const SESSION_TIMEOUT_MS = 8_000;
const HEARTBEAT_MS = 1_000;
/** How long the group waits for a member to join again. */
const REBALANCE_TIMEOUT_MS = 10_000;
/** How often the consumer looks whether a heartbeat is due, for want of anything to fetch. */
const LOOK_MS = 200;
/** Longer than any one step may take: a request (10 s), or joining while others are waited for. */
const SILENCE_LIMIT_MS = 25_000;
const LEAVE_WITHIN_MS = 5_000;

/**
 * One membership of a consumer group, by one consumer of kafkajs, from its start to its end, whatever ends it. Only
 * membership: the consumer is told to fetch nothing, since its reading was seen to skip, loop and stall (docs/decisions/
 * 0004-kafkajs-behind-the-port.md). It is never restarted: whoever holds a session makes the next.
 */
export class GroupSession {
  /** Resolves with the reason once the session is over. */
  readonly over: Promise<string>;
  readonly #consumer: Consumer;
  readonly #topic: string;
  readonly #end: (reason: string) => void;
  #live = true;
  #signAt = performance.now();

  /** @param joined told of the partitions that are ours, at each change of the group */
  constructor(
    kafka: Kafka,
    topic: string,
    groupId: string,
    membership: Membership,
    joined: (partitions: readonly number[]) => void,
    counts: RequestCounts,
  ) {
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
      maxWaitTimeInMs: LOOK_MS,
      allowAutoTopicCreation: false,
      partitionAssigners: [stickyAssigner(membership)],
      retry: { retries: 3, initialRetryTime: 100, maxRetryTime: 1_000, restartOnFailure: () => Promise.resolve(false) },
    });
    this.#listen(joined);
    this.#consumer.on(this.#consumer.events.REQUEST, ({ payload }) => counts.count(payload.apiName));
    void this.#run();
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

  /** Leaves the group and closes the connections, in bounded time. */
  async leave(): Promise<void> {
    this.#end('left');
    const left = this.#consumer.disconnect().catch(() => undefined); // it is given up in any case
    await Promise.race([left, sleep(LEAVE_WITHIN_MS, undefined, { ref: false })]);
  }

  #listen(joined: (partitions: readonly number[]) => void): void {
    const { GROUP_JOIN, FETCH, HEARTBEAT, CRASH } = this.#consumer.events;
    const sign = (): void => {
      this.#signAt = performance.now();
    };
    for (const event of [FETCH, HEARTBEAT] as const) this.#consumer.on(event, sign);
    this.#consumer.on(GROUP_JOIN, ({ payload }) => {
      sign();
      if (!this.#live) return;
      // Comes before the consumer asks for anything of what it was given.
      this.#consumer.pause([{ topic: this.#topic }]);
      joined(payload.memberAssignment[this.#topic] ?? []);
    });
    this.#consumer.on(CRASH, ({ payload }) => this.#end(payload.error.message));
  }

  async #run(): Promise<void> {
    try {
      await this.#consumer.connect();
      await this.#consumer.subscribe({ topics: [this.#topic], fromBeginning: true });
      await this.#consumer.run({
        autoCommit: false,
        eachBatch: () => Promise.reject(new Error('the consumer fetched although it is paused')),
      });
    } catch (error) {
      this.#end(error instanceof Error ? error.message : String(error));
    }
  }
}
