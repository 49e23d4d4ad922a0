import { MtaError } from '@mailyard/mail';
import type { KafkaError } from './kafkajs-internals.ts';

/**
 * Answers that a leader gives only before it appends. Not among them: NOT_LEADER_FOR_PARTITION and
 * UNKNOWN_TOPIC_OR_PARTITION, which a leader also answers when it is deposed while it waits for its followers, so after
 * the append; NOT_ENOUGH_REPLICAS_AFTER_APPEND and REQUEST_TIMED_OUT, which say so.
 */
const BEFORE_APPEND: ReadonlySet<string> = new Set([
  'NOT_ENOUGH_REPLICAS',
  'MESSAGE_TOO_LARGE',
  'RECORD_LIST_TOO_LARGE',
  'CORRUPT_MESSAGE',
  'INVALID_TIMESTAMP',
  'INVALID_REQUIRED_ACKS',
  'INVALID_TOPIC_EXCEPTION',
  'TOPIC_AUTHORIZATION_FAILED',
  'CLUSTER_AUTHORIZATION_FAILED',
  'UNSUPPORTED_VERSION',
]);

/** Answers after which other brokers may lead. */
const STALE: ReadonlySet<string> = new Set([
  'NOT_LEADER_FOR_PARTITION',
  'LEADER_NOT_AVAILABLE',
  'UNKNOWN_TOPIC_OR_PARTITION',
  'REPLICA_NOT_AVAILABLE',
  'FENCED_LEADER_EPOCH',
  'UNKNOWN_LEADER_EPOCH',
  'KAFKA_STORAGE_ERROR',
  'REQUEST_TIMED_OUT',
]);

/** What a leader's answer to an append means for the caller. */
export function appendFailure(error: KafkaError): MtaError {
  if (BEFORE_APPEND.has(error.type ?? '')) return refused(error);
  return new MtaError('LOG_UNCERTAIN', `the log may or may not have taken the batch: ${error.message}`, {
    cause: error,
  });
}

/** The batch was never sent, or the leader refused it. */
export function refused(cause: unknown): MtaError {
  return new MtaError('LOG_REFUSED', `the log did not take the batch: ${messageOf(cause)}`, { cause });
}

/** A question to the log that no broker answered. */
export function away(cause: unknown): MtaError {
  return new MtaError('LOG_AWAY', `the log does not answer: ${messageOf(cause)}`, { cause });
}

/** Whether what we know of the leaders may be out of date. Anything that is not an answer counts: it is a lost connection. */
export function meansStale(error: KafkaError): boolean {
  return error.type === undefined || STALE.has(error.type);
}

/** The log does not hold the offset: it was trimmed, or never written. */
export function isOutOfRange(error: KafkaError): boolean {
  return error.type === 'OFFSET_OUT_OF_RANGE';
}

function messageOf(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause);
}
