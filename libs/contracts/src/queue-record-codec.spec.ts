import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { BinaryWriter, WireType } from '@bufbuild/protobuf/wire';
import type { MessageAccepted, MessageId, MessageRestated, QueueRecord, RecipientDelivered } from '@mailyard/queue';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import * as generated from './gen/mailyard/queue/v1/records.ts';
import { decodeRecord, encodedOctets, encodeRecord } from './queue-record-codec.ts';
import { anyRecord } from './record-arbitraries.suite.ts';

interface Sample {
  readonly version: string;
  readonly octets: string;
  readonly record: QueueRecord;
}

/** Records as every released version wrote them. Lines are added, never changed: that is the test of upcasting. */
const samples = (
  JSON.parse(readFileSync(join(import.meta.dirname, '../testdata/records.json'), 'utf8'), (_key, value: unknown) =>
    typeof value === 'object' && value !== null && 'base64' in value
      ? new Uint8Array(Buffer.from(String(value.base64), 'base64'))
      : value,
  ) as Sample[]
).map(({ octets, ...sample }) => ({ ...sample, octets: Buffer.from(octets, 'base64') }));

/** Octets of bodies are parts of what was decoded; compared by content. */
function plain(value: unknown): unknown {
  if (value instanceof Uint8Array) return [...value];
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, plain(inner)]));
}

function unknownField(field: number, text: string): Uint8Array {
  return new BinaryWriter().tag(field, WireType.LengthDelimited).string(text).finish();
}

describe('queue record codec', () => {
  it('reads back what it wrote', () => {
    fc.assert(
      fc.property(anyRecord, (record) => {
        const octets = encodeRecord(record);
        expect(octets.length).toBe(encodedOctets(record));
        expect(plain(decodeRecord(octets))).toEqual(plain(record));
      }),
      { numRuns: 500 },
    );
  });

  it('writes octets that the generated code reads, and writes again the same', () => {
    fc.assert(
      fc.property(anyRecord, (record) => {
        const octets = encodeRecord(record);
        const again = generated.QueueRecord.encode(generated.QueueRecord.decode(octets)).finish();
        expect(Buffer.from(octets).toString('hex')).toBe(Buffer.from(again).toString('hex'));
      }),
      { numRuns: 500 },
    );
  });

  it('reads what the generated code wrote', () => {
    fc.assert(
      fc.property(anyRecord, (record) => {
        const octets = generated.QueueRecord.encode(generated.QueueRecord.decode(encodeRecord(record))).finish();
        expect(plain(decodeRecord(octets))).toEqual(plain(record));
      }),
      { numRuns: 200 },
    );
  });

  it('knows every kind of the proto file', () => {
    const kinds = new Set<string>();
    for (const { octets } of samples) kinds.add(generated.QueueRecord.decode(octets).record!.$case);
    expect(kinds.size).toBe(11);
  });

  it.each(samples)('reads $record.type as version $version wrote it', ({ octets, record }) => {
    expect(plain(decodeRecord(octets))).toEqual(plain(record));
    expect(Buffer.from(encodeRecord(record)).equals(octets)).toBe(true);
  });

  it('never throws, whatever the octets', () => {
    const valid = anyRecord.map((record) => encodeRecord(record));
    fc.assert(
      fc.property(valid, fc.nat(), fc.nat(255), fc.nat(), (octets, at, value, cut) => {
        const changed = Uint8Array.from(octets);
        changed[at % octets.length] = value;
        expect(decodeRecord(changed).type).toBeTypeOf('string');
        expect(decodeRecord(octets.subarray(0, cut % octets.length)).type).toBeTypeOf('string');
      }),
      { numRuns: 500 },
    );
    fc.assert(
      fc.property(fc.uint8Array(), (octets) => {
        expect(decodeRecord(octets).type).toBeTypeOf('string');
      }),
    );
  });

  it('gives an Undecodable for kinds and schemas it does not know, and for nothing', () => {
    expect(decodeRecord(unknownField(14, 'later'))).toMatchObject({ type: 'Undecodable', reason: /field 14/ });
    expect(decodeRecord(new Uint8Array())).toMatchObject({ type: 'Undecodable', reason: 'an empty record' });
    const claim = samples.find(({ record }) => record.type === 'PartitionClaimed')!;
    const newer = Buffer.concat([claim.octets, Buffer.from([120, 1])]);
    expect(decodeRecord(newer)).toMatchObject({ type: 'Undecodable', reason: /schema 1/ });
    const both = Buffer.concat([claim.octets, unknownField(14, 'later')]);
    expect(decodeRecord(both)).toMatchObject({ type: 'Undecodable' });
  });

  it('keeps fields it does not know, at every depth, when it writes a record again', () => {
    for (const { record } of samples) {
      const marked = mark(record) as QueueRecord;
      const octets = encodeRecord(marked);
      const read = decodeRecord(octets);
      expect(plain(read)).toEqual(plain(marked));
      expect(Buffer.from(encodeRecord(read as QueueRecord)).equals(octets)).toBe(true);
    }
  });

  it('keeps the unknown fields of an acceptance through its restatement', () => {
    const accepted = samples.find(({ record }) => record.type === 'MessageAccepted')!.record as MessageAccepted;
    const restated = samples.find(({ record }) => record.type === 'MessageRestated')!.record as MessageRestated;
    const later = { ...accepted, unknownFields: unknownField(1_000, 'from a later version') };
    const read = decodeRecord(encodeRecord(later)) as MessageAccepted;
    const octets = encodeRecord({ ...restated, accepted: read });
    expect((decodeRecord(octets) as MessageRestated).accepted.unknownFields).toEqual(later.unknownFields);
    const value = generated.QueueRecord.decode(octets).record!.value as generated.MessageRestated;
    expect(Object.keys(value.accepted!._unknownFields!)).toEqual([String((1_000 << 3) | 2)]);
  });

  it('keeps a RET and a cause that a later version invented', () => {
    const accepted = samples.find(({ record }) => record.type === 'MessageAccepted')!.record as MessageAccepted;
    const { ret: _ret, ...without } = accepted;
    const later: MessageAccepted = { ...without, unknownFields: new Uint8Array([56, 9]) };
    const octets = encodeRecord(later);
    const read = decodeRecord(octets) as MessageAccepted;
    expect(read.ret).toBeUndefined();
    expect(Buffer.from(encodeRecord(read)).equals(octets)).toBe(true);
  });

  it('takes any text in a reply: lone surrogates and invalid UTF-8 become the replacement character', () => {
    const delivered: RecipientDelivered = {
      type: 'RecipientDelivered',
      message: 'm' as MessageId,
      recipient: 0,
      reply: { code: 250, text: 'caf\u00e9 \ud800 \u0000 \r\n'.repeat(20) },
      at: 1,
    };
    const octets = Buffer.from(encodeRecord(delivered));
    expect((decodeRecord(octets) as RecipientDelivered).reply?.text).toBe('caf\u00e9 \ufffd \u0000 \r\n'.repeat(20));
    const damaged = Buffer.from(octets.toString('latin1').replaceAll('caf\u00c3\u00a9', 'caf\u00ff\u00fe'), 'latin1');
    expect((decodeRecord(damaged) as RecipientDelivered).reply?.text).toContain('caf\ufffd\ufffd');
  });

  it('gives inline bodies as parts of the buffer', () => {
    const accepted = samples.find(({ record }) => record.type === 'MessageAccepted')!;
    const read = decodeRecord(accepted.octets) as MessageAccepted;
    const [body] = read.bodies;
    expect(body?.kind === 'inline' && body.octets.buffer === accepted.octets.buffer).toBe(true);
  });

  it('refuses numbers that the wire cannot hold', () => {
    const claim = samples.find(({ record }) => record.type === 'PartitionClaimed')!.record as QueueRecord & {
      type: 'PartitionClaimed';
    };
    for (const at of [-1, 0.5, Number.NaN, 2 ** 53]) expect(() => encodeRecord({ ...claim, at })).toThrow(RangeError);
  });
});

/** The record with an unknown field in every part that can carry one. */
function mark(value: unknown, depth = 0): unknown {
  if (Array.isArray(value)) return value.map((inner) => mark(inner, depth + 1));
  if (typeof value !== 'object' || value === null || value instanceof Uint8Array) return value;
  if ('kind' in value && value.kind === 'inline') return value;
  const marked: Record<string, unknown> = {};
  for (const [key, inner] of Object.entries(value)) marked[key] = mark(inner, depth + 1);
  marked['unknownFields'] = unknownField(100 + depth, `at ${depth}`);
  if ('recipient' in value && 'at' in value) marked['commonFields'] = unknownField(100, 'common');
  if ('retries' in value) marked['queuedFields'] = unknownField(100, 'queued');
  return marked;
}
