import type { ProtocolCall } from './kafkajs-internals.ts';
import { type BatchRecord, recordBatchOctets, writeRecordBatch } from './record-batch.ts';

/** What a leader says of one partition's batch. `errorCode` 0 means written, and in sync as acks=-1 asks for. */
export interface ProduceResult {
  readonly partition: number;
  readonly errorCode: number;
  readonly baseOffset: number;
  readonly appendTime: number;
}

const API_KEY = 0;
/** Known to brokers from 2.1 to 4; what later versions add is of no use here. */
const API_VERSION = 7;
const ALL_IN_SYNC = -1;

/**
 * The request that appends one record batch to each of some partitions of a leader, answered partition by partition.
 *
 * @param timeoutMs how long the leader waits for its followers
 * @see https://kafka.apache.org/protocol#The_Messages_Produce
 */
export function produceCall(
  topic: string,
  batches: ReadonlyMap<number, readonly BatchRecord[]>,
  timeoutMs: number,
  now: number,
): ProtocolCall<readonly ProduceResult[]> {
  return {
    request: {
      apiKey: API_KEY,
      apiVersion: API_VERSION,
      apiName: 'Produce',
      encode: () => {
        const body = encode(topic, batches, timeoutMs, now);
        return Promise.resolve({ buf: body, buffer: body });
      },
    },
    response: {
      decode: (octets) => Promise.resolve(decode(octets)),
      parse: (results) => Promise.resolve(results),
    },
  };
}

function encode(
  topic: string,
  batches: ReadonlyMap<number, readonly BatchRecord[]>,
  timeoutMs: number,
  now: number,
): Buffer {
  const name = Buffer.from(topic);
  let size = 20 + name.length;
  for (const records of batches.values()) size += 8 + recordBatchOctets(records);
  const into = Buffer.allocUnsafe(size);
  let at = into.writeInt16BE(-1, 0); // no transaction
  at = into.writeInt16BE(ALL_IN_SYNC, at);
  at = into.writeInt32BE(timeoutMs, at);
  at = into.writeInt32BE(1, at); // topics
  at = into.writeInt16BE(name.length, at);
  into.set(name, at);
  at = into.writeInt32BE(batches.size, at + name.length);
  for (const [partition, records] of batches) {
    at = into.writeInt32BE(partition, at);
    const end = writeRecordBatch(into, at + 4, records, now);
    into.writeInt32BE(end - at - 4, at);
    at = end;
  }
  return into.subarray(0, at);
}

function decode(octets: Buffer): ProduceResult[] {
  const results: ProduceResult[] = [];
  let at = 4;
  for (let topics = octets.readInt32BE(0); topics > 0; topics--) {
    at += 2 + octets.readInt16BE(at);
    const count = octets.readInt32BE(at);
    at += 4;
    for (let index = 0; index < count; index++, at += 30)
      results.push({
        partition: octets.readInt32BE(at),
        errorCode: octets.readInt16BE(at + 4),
        baseOffset: Number(octets.readBigInt64BE(at + 6)),
        appendTime: Number(octets.readBigInt64BE(at + 14)),
      });
  }
  return results;
}
