/**
 * Follows the queue log and keeps the read model in a thread of its own, so that its disk never holds up mail. It may
 * lag; how far it has committed is what the owners of partitions keep the log for (I6).
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import { MtaError } from '@mailyard/mail';
import type { LoggedRecord, PartitionHandler, QueueLog, Reading } from '@mailyard/queue';
import { type Logger, publishMailEvent } from '@mailyard/telemetry';
import { FactBatchWriter } from './fact-batch.ts';
import {
  type Answers,
  type FromWorker,
  isOfNow,
  type Question,
  type ToWorker,
  type TrackingWorkerData,
} from './tracking-messages.ts';

/** Facts are handed over when so much has come together, or so long after the first. */
const BATCH_OCTETS = 262_144;
const BATCH_MS = 200;
/** With more than this on its way to the thread, reading waits. */
const MOST_OCTETS_UNDERWAY = 16_777_216;
/** While it gives way, reading rests so long after each piece. */
const GIVE_WAY_MS = 100;
const RETRY_MS = 10_000;
/** A question waits at most so long for what the log has when it is asked. */
const CATCH_UP_MS = 2_000;
const LOOK_MS = 10;
/** Memory of the thread for what it throws away at once: more would not make it faster, its disk is what it waits for. */
const YOUNG_MIB = 24;
const SILENCE_AGAIN_MS = 3_600_000;

export interface TrackerOptions extends TrackingWorkerData {
  readonly queueLog: QueueLog;
  readonly logger: Logger;
  /** While true, others in this process need its time more: what is behind is read slowly. */
  readonly givesWay?: () => boolean;
}

export class Tracker {
  readonly #options: TrackerOptions;
  readonly #writers = new Map<number, FactBatchWriter>();
  readonly #questions = new Map<number, PromiseWithResolvers<Answers[keyof Answers]>>();
  #worker: Worker | undefined;
  #reading: Reading | undefined;
  #positions: ReadonlyMap<number, number> = new Map();
  /** What was read of each partition, committed or not. */
  readonly #read = new Map<number, number>();
  #asked = 0;
  #octetsUnderway = 0;
  #roomToRead: PromiseWithResolvers<void> | undefined;
  #handingOver: NodeJS.Timeout | undefined;
  #retrying: NodeJS.Timeout | undefined;
  #stopped: PromiseWithResolvers<void> | undefined;
  #problem: string | undefined = 'starting';
  #isConverting = false;
  #silentSince = 0;
  #commits = 0;
  readonly #onCommit = new Set<() => void>();

  constructor(options: TrackerOptions) {
    this.#options = options;
  }

  /** Resolves once the read model is open and followed, is being converted, or has failed and will be tried again. */
  async start(): Promise<void> {
    const ready = Promise.withResolvers<void>();
    const { file, retentionMs, silentAfterMs } = this.#options;
    const workerData: TrackingWorkerData = { file, retentionMs, silentAfterMs };
    const worker = new Worker(new URL('tracking-worker.ts', import.meta.url), {
      workerData,
      resourceLimits: { maxYoungGenerationSizeMb: YOUNG_MIB },
    });
    this.#worker = worker;
    worker.on('message', (message: FromWorker) => this.#heard(message, ready));
    worker.on('error', (error) => {
      this.#failed(error);
      ready.resolve();
    });
    await ready.promise;
  }

  /** Why the read model does not answer; undefined while it does. */
  get problem(): string | undefined {
    return this.#problem;
  }

  /** The first offset of a partition that is not committed here. 0 until that is known: the log is then kept. */
  position(partition: number): number {
    return this.#positions.get(partition) ?? 0;
  }

  /** How many records of the log are not committed here. @throws MtaError of the log when it does not answer */
  async lag(): Promise<number> {
    const { queueLog } = this.#options;
    let lag = 0;
    for (let partition = 0; partition < queueLog.partitionCount; partition++) {
      const { start, end } = await queueLog.bounds(partition);
      lag += Math.max(0, end - Math.max(start, this.position(partition)));
    }
    return lag;
  }

  /** Waits until all that the log holds now was read, two seconds at most: a question then sees what the asker did. */
  async catchUp(): Promise<void> {
    const { queueLog } = this.#options;
    const partitions = Array.from({ length: queueLog.partitionCount }, (_, partition) => partition);
    const deadline = performance.now() + CATCH_UP_MS;
    // A log that is away has nothing newer to offer.
    const bounds = await Promise.all(partitions.map((partition) => queueLog.bounds(partition))).catch(() => []);
    const isBehind = ({ start, end }: { start: number; end: number }, partition: number): boolean =>
      end > start && (this.#read.get(partition) ?? this.position(partition)) < end;
    while (bounds.some(isBehind) && this.#problem === undefined && performance.now() < deadline) await sleep(LOOK_MS);
  }

  /** @throws MtaError `TRACKER_AWAY` while the read model cannot be used */
  async ask<K extends Question['kind']>(question: Extract<Question, { kind: K }>): Promise<Answers[K]> {
    if (this.#problem !== undefined) throw new MtaError('TRACKER_AWAY', `the tracker is away: ${this.#problem}`);
    if (isOfNow(question)) this.#handOver();
    this.#asked += 1;
    const asked = Promise.withResolvers<Answers[keyof Answers]>();
    this.#questions.set(this.#asked, asked);
    this.#say({ kind: 'ask', number: this.#asked, question });
    return (await asked.promise) as Answers[K];
  }

  /** How often something was committed since the start. */
  get commits(): number {
    return this.#commits;
  }

  /**
   * Waits for the next commit.
   *
   * @param since {@link commits} when it was last looked at
   * @returns false when there was none within the time, or the signal came before it
   */
  async nextCommit(since: number, withinMs: number, signal: AbortSignal): Promise<boolean> {
    if (this.#commits !== since || signal.aborted) return !signal.aborted;
    const heard = Promise.withResolvers<boolean>();
    const wake = (): void => heard.resolve(true);
    const giveUp = (): void => heard.resolve(false);
    const timer = setTimeout(giveUp, withinMs);
    this.#onCommit.add(wake);
    signal.addEventListener('abort', giveUp);
    try {
      return await heard.promise;
    } finally {
      clearTimeout(timer);
      this.#onCommit.delete(wake);
      signal.removeEventListener('abort', giveUp);
    }
  }

  /** Commits what was read, and closes. */
  async stop(): Promise<void> {
    clearTimeout(this.#retrying);
    const reading = this.#reading;
    this.#reading = undefined;
    this.#roomToRead?.resolve();
    await reading?.stop();
    if (this.#worker === undefined) return;
    this.#handOver();
    this.#stopped = Promise.withResolvers();
    // A conversion does not listen. What it has done of a day is undone, and done again by the next start.
    if (this.#isConverting) this.#stopped.resolve();
    else this.#say({ kind: 'stop' });
    await this.#stopped.promise;
    await this.#worker?.terminate();
    this.#worker = undefined;
    this.#problem = 'it was stopped';
    this.#dropQuestions(this.#problem);
    this.#tellCommit();
  }

  #heard(message: FromWorker, ready: PromiseWithResolvers<void>): void {
    switch (message.kind) {
      case 'converting':
        this.#problem = 'its file is being brought to the form of this version';
        this.#isConverting = true;
        ready.resolve();
        return;
      case 'ready':
        this.#isConverting = false;
        this.#positions = message.positions;
        this.#problem = undefined;
        this.#follow().then(ready.resolve, (error: unknown) => {
          this.#failed(error);
          ready.resolve();
        });
        return;
      case 'taken':
        this.#octetsUnderway -= message.octets;
        if (this.#octetsUnderway <= MOST_OCTETS_UNDERWAY) this.#roomToRead?.resolve();
        return;
      case 'committed':
        this.#positions = message.positions;
        this.#tellCommit();
        return;
      case 'answer':
        this.#questions.get(message.number)?.resolve(message.answer);
        this.#questions.delete(message.number);
        return;
      case 'silent':
        this.#silent(message.messages, message.example);
        return;
      case 'stopped':
        this.#stopped?.resolve();
    }
  }

  async #follow(): Promise<void> {
    const handler: PartitionHandler = {
      assigned: () => undefined,
      records: (partition, records) => this.#take(partition, records),
      reset: (partition, reason) => {
        this.#handOver();
        this.#read.delete(partition);
        this.#say({ kind: 'restart', partition, reason });
      },
      revoked: () => undefined,
    };
    this.#reading = await this.#options.queueLog.follow(this.#positions, handler);
  }

  #take(partition: number, records: readonly LoggedRecord[]): Promise<void> | undefined {
    let writer = this.#writers.get(partition);
    if (writer === undefined) {
      writer = new FactBatchWriter();
      this.#writers.set(partition, writer);
    }
    for (const record of records) {
      // An acceptance is committed with all of its recipients: it is one event.
      const isOfBatch = record.record.type === 'RecipientQueued';
      if (writer.sizeOctets >= BATCH_OCTETS && !isOfBatch) this.#send(partition, writer);
      writer.add(record);
    }
    const last = records.at(-1);
    if (last !== undefined) this.#read.set(partition, last.offset + 1);
    this.#handingOver ??= setTimeout(() => this.#handOver(), BATCH_MS);
    if (this.#octetsUnderway <= MOST_OCTETS_UNDERWAY)
      return this.#options.givesWay?.() === true ? sleep(GIVE_WAY_MS) : undefined;
    this.#roomToRead ??= Promise.withResolvers();
    return this.#roomToRead.promise.then(() => {
      this.#roomToRead = undefined;
    });
  }

  #handOver(): void {
    clearTimeout(this.#handingOver);
    this.#handingOver = undefined;
    for (const [partition, writer] of this.#writers) if (writer.count > 0) this.#send(partition, writer);
  }

  #send(partition: number, writer: FactBatchWriter): void {
    const batch = writer.take(partition);
    this.#octetsUnderway += batch.octets.length;
    this.#worker?.postMessage({ kind: 'facts', batch } satisfies ToWorker, [batch.numbers.buffer, batch.octets.buffer]);
  }

  #tellCommit(): void {
    this.#commits += 1;
    for (const wake of this.#onCommit) wake();
  }

  #say(message: ToWorker): void {
    this.#worker?.postMessage(message);
  }

  /** Whatever went wrong: what was committed stands, and all after it is read from the log again. */
  #failed(error: unknown): void {
    const reason = error instanceof Error ? error.message : String(error);
    const wasWell = this.#problem === undefined || this.#problem === 'starting';
    this.#problem = reason;
    const { logger } = this.#options;
    logger.error('TRACKER_FAILED', { error });
    if (wasWell) publishMailEvent({ kind: 'alarm', name: 'tracker-failed', detail: reason });
    const { reading, worker } = { reading: this.#reading, worker: this.#worker };
    this.#reading = undefined;
    this.#worker = undefined;
    this.#dropQuestions(reason);
    // Whoever waits for events asks again, and learns of it.
    this.#tellCommit();
    this.#roomToRead?.resolve();
    this.#stopped?.resolve();
    if (this.#stopped !== undefined) return;
    const ended = Promise.all([reading?.stop(), worker?.terminate()]).catch(() => undefined);
    this.#retrying = setTimeout(() => {
      void ended.then(() => {
        this.#writers.clear();
        this.#read.clear();
        this.#octetsUnderway = 0;
        return this.start();
      });
    }, RETRY_MS);
  }

  #dropQuestions(reason: string): void {
    for (const { reject } of this.#questions.values())
      reject(new MtaError('TRACKER_AWAY', `the tracker is away: ${reason}`));
    this.#questions.clear();
  }

  /** A recipient that is silent for longer than its schedule allows (docs/architecture.md). */
  #silent(messages: number, example: string): void {
    if (messages === 0) {
      this.#silentSince = 0;
      return;
    }
    const now = performance.now();
    if (this.#silentSince !== 0 && now - this.#silentSince < SILENCE_AGAIN_MS) return;
    this.#silentSince = now;
    publishMailEvent({
      kind: 'alarm',
      name: 'silent-recipients',
      detail: `${messages >= 1_000 ? 'at least ' : ''}${messages} messages wait without a sign of life, one is ${example}`,
    });
  }
}
