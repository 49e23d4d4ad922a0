/**
 * The parts of kafkajs below its public interface that this driver stands on, with types.
 *
 * Its producer cannot say whether a batch was sent before an error: a failed refresh of metadata replaces the error of
 * the request, and the results of several partitions come as one (docs/decisions/0004-kafkajs-behind-the-port.md). Its
 * cluster and connections, which keep metadata, sockets, TLS and SASL, are sound; the requests are made here.
 *
 * One fault is mended here: each of its connections woke a thousand times a second for nothing (tulios/kafkajs#1751).
 * kafkajs is pinned to the version that all this was written against.
 */
import { createRequire } from 'node:module';
import { logLevel } from 'kafkajs';
import { CONNECTION_TIMEOUT_MS, type KafkaSettings, REQUEST_TIMEOUT_MS } from './kafka-options.ts';
import { protocolLog } from './protocol-log.ts';

/** An encoded request body, as the connection takes it. */
export interface EncodedBody {
  readonly buf: Buffer;
  readonly buffer: Buffer;
}

/** One request and how its answer is read. */
export interface ProtocolCall<T> {
  readonly request: {
    readonly apiKey: number;
    readonly apiVersion: number;
    readonly apiName: string;
    encode(): Promise<EncodedBody>;
  };
  readonly response: {
    decode(octets: Buffer): Promise<T>;
    parse(decoded: T): Promise<T>;
  };
}

export interface Connection {
  readonly host: string;
  readonly port: number;
  isConnected(): boolean;
  isAuthenticated(): boolean;
  authenticate(): Promise<void>;
  send<T>(call: ProtocolCall<T>): Promise<T>;
}

interface PartitionsOf<T> {
  readonly topic: string;
  readonly partitions: readonly T[];
}

export interface Broker {
  readonly nodeId: number | string;
  readonly connectionPool: {
    readonly host: string;
    readonly port: number;
    /** There are two. */
    getConnection(index: number): Promise<Connection>;
  };
  disconnect(): Promise<void>;
  listOffsets(request: {
    readonly isolationLevel: number;
    readonly topics: readonly PartitionsOf<{ readonly partition: number; readonly timestamp: number }>[];
  }): Promise<{
    readonly responses: readonly {
      readonly partitions: readonly { readonly partition: number; readonly offset: string }[];
    }[];
  }>;
  deleteRecords(request: {
    readonly topics: readonly PartitionsOf<{ readonly partition: number; readonly offset: string }>[];
  }): Promise<unknown>;
}

export interface PartitionMetadata {
  readonly partitionId: number;
  readonly leader: number;
  readonly replicas: readonly number[];
  readonly isr: readonly number[];
}

export interface Cluster {
  connect(): Promise<void>;
  disconnect(): Promise<void>;
  addTargetTopic(topic: string): Promise<void>;
  refreshMetadata(): Promise<void>;
  refreshMetadataIfNecessary(): Promise<void>;
  findTopicPartitionMetadata(topic: string): readonly PartitionMetadata[];
  findBroker(which: { readonly nodeId: number }): Promise<Broker>;
  removeBroker(which: { readonly host: string; readonly port: number }): void;
}

/** An error of kafkajs, as far as it matters here. `type` names an answer of the protocol. */
export interface KafkaError extends Error {
  readonly type?: string;
  readonly code?: string | number;
}

type CreateLogger = (options: { readonly level: number; readonly logCreator: unknown }) => unknown;

const load = createRequire(import.meta.url);
const ClusterOfKafkajs = load('kafkajs/src/cluster') as new (options: Readonly<Record<string, unknown>>) => Cluster;
const { createLogger } = load('kafkajs/src/loggers') as { createLogger: CreateLogger };
const createSocketFactory = load('kafkajs/src/network/socketFactory') as () => unknown;
const { createErrorFromCode } = load('kafkajs/src/protocol/error') as {
  createErrorFromCode: (code: number) => KafkaError;
};

/** Holds requests back while the broker asks for it. */
interface RequestQueue {
  readonly pending: readonly unknown[];
  /** In milliseconds of the epoch; -1 when it never was. */
  readonly throttledUntil: number;
  throttleCheckTimeoutId: NodeJS.Timeout | null;
  checkPendingRequests(): void;
  scheduleCheckPendingRequests(): void;
}

const { prototype: requestQueue } = load('kafkajs/src/network/requestQueue') as { prototype: RequestQueue };

/** As it was meant: looks again when there is a request to look after, and not before it may go. */
requestQueue.scheduleCheckPendingRequests = function scheduleCheckPendingRequests(this: RequestQueue): void {
  if (this.pending.length === 0 || this.throttleCheckTimeoutId !== null) return;
  this.throttleCheckTimeoutId = setTimeout(
    () => {
      this.throttleCheckTimeoutId = null;
      this.checkPendingRequests();
    },
    Math.max(10, this.throttledUntil - Date.now()),
  );
};

/** The error that an error code of the protocol stands for. */
export const errorOfCode: (code: number) => KafkaError = createErrorFromCode;

/** A view of the cluster with connections of its own, made when needed. */
export function createCluster(settings: KafkaSettings): Cluster {
  return new ClusterOfKafkajs({
    logger: createLogger({ level: logLevel.WARN, logCreator: protocolLog(settings.log) }),
    socketFactory: createSocketFactory(),
    instrumentationEmitter: settings.counts,
    brokers: [...settings.brokers],
    ssl: settings.ssl,
    sasl: settings.sasl,
    clientId: settings.clientId,
    connectionTimeout: CONNECTION_TIMEOUT_MS,
    authenticationTimeout: REQUEST_TIMEOUT_MS,
    requestTimeout: REQUEST_TIMEOUT_MS,
    enforceRequestTimeout: true,
    metadataMaxAge: 60_000,
    maxInFlightRequests: null,
    allowAutoTopicCreation: false,
    retry: { retries: 2, initialRetryTime: 100, maxRetryTime: 1_000 },
  });
}
