import type { LoggedRecord, QueueRecord } from './records.ts';

/** What the log says of a batch that it holds durably. */
export interface Appended {
  readonly firstOffset: number;
  /** By the log's own clock; I1 compares it with the time of the first try. */
  readonly appendTime: number;
}

/** What a reader of partitions is told. Handlers are called in order, one at a time for each partition. */
export interface PartitionHandler {
  /** The partition is now ours to read; records follow from the start of the log. State of an earlier time is void. */
  assigned(partition: number): void;
  /** Contiguous records. A promise that is returned holds back the next call for this partition. */
  records(partition: number, records: readonly LoggedRecord[]): void | Promise<void>;
  /** The log did not go on where it should have: drop the partition's state, it is read again from its start. */
  reset(partition: number, reason: string): void;
  /** No longer ours. Nothing more comes for it. */
  revoked(partition: number): void;
}

/** A running reader. */
export interface Reading {
  /** Leaves in order; no handler is called after it resolves. */
  stop(): Promise<void>;
}

/**
 * The queue log: partitions of atomic batches, appended at the end, trimmed at the start, read in order.
 *
 * Contract (testkit, `queue-log.suite.ts`): a batch is seen whole or not at all and in order; what was acknowledged is
 * read by every reader, also after a restart; a repeated append is two batches; offsets only rise, also after trimming
 * everything; an append never resolves before it is durable.
 */
export interface QueueLog {
  readonly partitionCount: number;
  /** The largest batch that {@link append} takes, in encoded octets (I12). */
  readonly maxBatchOctets: number;
  /** The encoded size of a record, in octets: what counts towards {@link maxBatchOctets}. */
  sizeOf(record: QueueRecord): number;
  /**
   * Appends one batch to one partition and resolves once it is durable.
   *
   * @throws MtaError `LOG_REFUSED` when it was certainly not written, `LOG_UNCERTAIN` when that is not known: then the
   * same batch may still appear later, once or never
   */
  append(partition: number, records: readonly QueueRecord[]): Promise<Appended>;
  /** Reads the partitions that are dealt to this process, among all processes that call it (one group). */
  join(handler: PartitionHandler): Promise<Reading>;
  /** Reads all partitions from these offsets on (absent: from the start), whoever owns them. */
  follow(from: ReadonlyMap<number, number>, handler: PartitionHandler): Promise<Reading>;
  /** Reads one record again, for the inline body of a message that waited. Undefined once it was trimmed. */
  read(partition: number, offset: number): Promise<LoggedRecord | undefined>;
  /** Gives up all records before this offset. Never below what was trimmed already; harmless to repeat. */
  trim(partition: number, before: number): Promise<void>;
  /** First offset held and next offset to be written. */
  bounds(partition: number): Promise<{ readonly start: number; readonly end: number }>;
  close(): Promise<void>;
}

/** A stored body as a sweep sees it. */
export interface StoredBody {
  readonly key: string;
  readonly storedAt: number;
}

/**
 * Where bodies too large for the log are.
 *
 * Contract (testkit, `body-store.suite.ts`): what `put` acknowledged is read back octet for octet, also after a
 * restart and `kill -9`; a put that failed leaves nothing that `get` would return; deleting what is not there is fine.
 * Keys are `<partition>/<message id>/<number>`.
 */
export interface BodyStore {
  /**
   * Stores the content under the key; resolves once durable. Memory stays bounded whatever the size. A piece is only lent
   * until the next is asked for: it is then overwritten.
   */
  put(
    key: string,
    content: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  ): Promise<{ sizeOctets: number; crc32: number }>;
  /**
   * Opens a body for reading. A piece is only lent until the next is asked for: it may then be overwritten. The last piece
   * of a reader that breaks off is never overwritten: a socket may still have it.
   *
   * @throws MtaError `BODY_MISSING` when there is none; `BODY_STORE_AWAY` when the store does not answer
   */
  get(key: string): Promise<AsyncIterable<Uint8Array>>;
  delete(key: string): Promise<void>;
  /** All bodies whose key starts with `<partition>/`. */
  list(partition: number): AsyncIterable<StoredBody>;
  /** Whether the store takes bodies now; rejects with the reason when not. */
  check(): Promise<void>;
  close(): Promise<void>;
}

/** Who is alive: `mailyard:presence:<incarnation>` (I5). Embedded, the lock is the proof and nobody else is present. */
export interface Presence {
  /** 'unknown' when it cannot be read: never taken for absence. */
  read(incarnation: string): Promise<'present' | 'absent' | 'unknown'>;
  close(): Promise<void>;
}

/**
 * How full the system is, partition by partition (docs/architecture.md, "Pressure"): owners publish, ingress reads.
 * A share is that of the fullest gauge in its limit: 0 empty, 1 at the limit.
 */
export interface PressureBoard {
  publish(partition: number, share: number): void;
  /** 0.7 when there is no figure fresher than ten seconds. */
  read(partition: number): number;
}
