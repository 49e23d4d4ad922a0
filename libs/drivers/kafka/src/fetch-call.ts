import type { ProtocolCall } from './kafkajs-internals.ts';

/** What to read of one partition. */
export interface FetchPosition {
  readonly partition: number;
  readonly offset: number;
}

/** What a leader gave of one partition. Without error, `octets` are record batches, none where nothing new is. */
export interface FetchedPartition extends FetchPosition {
  readonly errorCode: number;
  readonly octets: Buffer;
}

export interface FetchLimits {
  /** How long the leader waits until there is anything. */
  readonly waitMs: number;
  readonly maxOctets: number;
  readonly maxPartitionOctets: number;
}

const API_KEY = 1;
/** Known to brokers from 2.3 to 4; what later versions add is of no use here. */
const API_VERSION = 11;
const FROM_NOBODY = -1;
const READ_UNCOMMITTED = 0;
const NO_SESSION = -1;

/**
 * The request that reads some partitions of one leader. A leader gives at least one whole batch if it has any, whatever
 * the limits (KIP-74), and answers for the first partitions first.
 *
 * @see https://kafka.apache.org/protocol#The_Messages_Fetch
 */
export function fetchCall(
  topic: string,
  positions: readonly FetchPosition[],
  limits: FetchLimits,
): ProtocolCall<readonly FetchedPartition[]> {
  return {
    request: {
      apiKey: API_KEY,
      apiVersion: API_VERSION,
      apiName: 'Fetch',
      encode: () => {
        const body = encode(topic, positions, limits);
        return Promise.resolve({ buf: body, buffer: body });
      },
    },
    response: {
      decode: (octets) => Promise.resolve(decode(octets, positions)),
      parse: (partitions) => Promise.resolve(partitions),
    },
  };
}

function encode(topic: string, positions: readonly FetchPosition[], limits: FetchLimits): Buffer {
  const name = Buffer.from(topic);
  const into = Buffer.allocUnsafe(48 + name.length + positions.length * 28);
  let at = into.writeInt32BE(FROM_NOBODY, 0);
  at = into.writeInt32BE(limits.waitMs, at);
  at = into.writeInt32BE(1, at); // answer as soon as there is an octet
  at = into.writeInt32BE(limits.maxOctets, at);
  at = into.writeInt8(READ_UNCOMMITTED, at);
  at = into.writeInt32BE(0, at);
  at = into.writeInt32BE(NO_SESSION, at);
  at = into.writeInt32BE(1, at); // topics
  at = into.writeInt16BE(name.length, at);
  into.set(name, at);
  at = into.writeInt32BE(positions.length, at + name.length);
  for (const { partition, offset } of positions) {
    at = into.writeInt32BE(partition, at);
    at = into.writeInt32BE(-1, at); // whatever its epoch
    at = into.writeBigInt64BE(BigInt(offset), at);
    at = into.writeBigInt64BE(-1n, at); // no log of our own
    at = into.writeInt32BE(limits.maxPartitionOctets, at);
  }
  at = into.writeInt32BE(0, at); // nothing to forget
  at = into.writeInt16BE(0, at); // no rack
  return into.subarray(0, at);
}

function decode(octets: Buffer, positions: readonly FetchPosition[]): FetchedPartition[] {
  const asked = new Map(positions.map(({ partition, offset }) => [partition, offset]));
  const errorCode = octets.readInt16BE(4);
  if (errorCode !== 0) return positions.map((position) => ({ ...position, errorCode, octets: octets.subarray(0, 0) }));
  const fetched: FetchedPartition[] = [];
  let at = 14;
  for (let topics = octets.readInt32BE(10); topics > 0; topics--) {
    at += 2 + octets.readInt16BE(at);
    const count = octets.readInt32BE(at);
    at += 4;
    for (let index = 0; index < count; index++) {
      const partition = octets.readInt32BE(at);
      const fault = octets.readInt16BE(at + 4);
      // High watermark, last stable offset and log start are passed over, as are aborted transactions and the replica.
      at += 34 + Math.max(0, octets.readInt32BE(at + 30)) * 16 + 4;
      const size = Math.max(0, octets.readInt32BE(at));
      at += 4;
      const offset = asked.get(partition);
      if (offset !== undefined)
        fetched.push({ partition, offset, errorCode: fault, octets: octets.subarray(at, at + size) });
      at += size;
    }
  }
  return fetched;
}
