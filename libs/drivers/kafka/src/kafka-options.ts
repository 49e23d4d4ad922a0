import type { KafkaConfig } from 'kafkajs';
import { RequestCounts } from './request-counts.ts';

/** Told what the client and this driver have to say; protocol answers that belong to ordinary work come at `debug`. */
export type KafkaLog = (
  level: 'error' | 'warn' | 'info' | 'debug',
  message: string,
  detail: Readonly<Record<string, unknown>>,
) => void;

export interface KafkaQueueLogOptions {
  /** `host:port` of some brokers; the others are learnt from them. */
  readonly brokers: readonly string[];
  readonly ssl?: KafkaConfig['ssl'];
  readonly sasl?: KafkaConfig['sasl'];
  /** `mailyard.queue` */
  readonly topic?: string;
  /** The group among whose members partitions are dealt; `mailyard.delivery`. */
  readonly groupId?: string;
  /** How many partitions the topic is made with, if it is not there yet; 64. */
  readonly partitions?: number;
  /** Of the topic, when it is made: 3, or as many as there are brokers if fewer. */
  readonly replicationFactor?: number;
  /** Shown in the broker's logs; `mailyard`. */
  readonly clientId?: string;
  readonly log?: KafkaLog;
}

/** Every option settled. */
export interface KafkaSettings {
  readonly brokers: readonly string[];
  readonly ssl: KafkaConfig['ssl'];
  readonly sasl: KafkaConfig['sasl'];
  readonly topic: string;
  readonly groupId: string;
  readonly partitions: number;
  readonly replicationFactor: number | undefined;
  readonly clientId: string;
  readonly log: KafkaLog;
  /** Of all connections that are made with these settings. */
  readonly counts: RequestCounts;
}

export function settle(options: KafkaQueueLogOptions): KafkaSettings {
  return {
    brokers: options.brokers,
    ssl: options.ssl,
    sasl: options.sasl,
    topic: options.topic ?? 'mailyard.queue',
    groupId: options.groupId ?? 'mailyard.delivery',
    partitions: options.partitions ?? 64,
    replicationFactor: options.replicationFactor,
    clientId: options.clientId ?? 'mailyard',
    log: options.log ?? (() => undefined),
    counts: new RequestCounts(),
  };
}

/** No request to a broker is waited for longer. What is sent and not answered by then is uncertain. */
export const REQUEST_TIMEOUT_MS = 10_000;

export const CONNECTION_TIMEOUT_MS = 3_000;

/** The largest batch, in encoded octets (I12). */
export const MAX_BATCH_OCTETS = 1_048_576;
