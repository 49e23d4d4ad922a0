import { encodeRecord } from '@mailyard/contracts';
import { sampleAccepted, sampleClaim, sampleMessageId } from '@mailyard/testkit/sample-records';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { crc32c } from './crc32c.ts';
import { readRecordBatches } from './record-batch-reader.ts';
import { type BatchRecord, recordBatchOctets, writeRecordBatch } from './record-batch.ts';

function batchOf(records: readonly BatchRecord[], baseOffset = 0, timestamp = 1_764_000_000_000): Buffer {
  const into = Buffer.allocUnsafe(recordBatchOctets(records) + 7);
  const end = writeRecordBatch(into, 7, records, timestamp);
  const batch = into.subarray(7, end);
  batch.writeBigInt64BE(BigInt(baseOffset), 0); // as the leader does: not under the checksum
  return batch;
}

const claim = (number: number): BatchRecord => ({ value: encodeRecord(sampleClaim(number)), traceparent: undefined });
const claims = (count: number): BatchRecord[] => Array.from({ length: count }, (_, at) => claim(at));

/** Makes a batch's checksum fit again after a test changed it. */
function sealed(batch: Buffer): Buffer {
  batch.writeUInt32BE(crc32c(batch, 21, batch.length), 17);
  return batch;
}

describe('crc32c', () => {
  it('is the one that RFC 3720 gives for its examples', () => {
    expect(crc32c(Buffer.alloc(32), 0, 32)).toBe(0x8a9136aa);
    expect(crc32c(Buffer.alloc(32, 0xff), 0, 32)).toBe(0x62a8ab43);
    expect(crc32c(Buffer.from('123456789'), 0, 9)).toBe(0xe3069283);
  });

  it('agrees with one octet a step, wherever the octets begin and end', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), fc.nat(12), fc.nat(12), (octets, before, after) => {
        const start = Math.min(before, octets.length);
        const end = Math.max(start, octets.length - after);
        let crc = -1;
        for (const octet of octets.subarray(start, end)) {
          crc ^= octet;
          for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0x82f63b78 : crc >>> 1;
        }
        expect(crc32c(octets, start, end)).toBe((crc ^ -1) >>> 0);
      }),
    );
  });
});

describe('record batches', () => {
  it('are read back as they were written', () => {
    const record = fc.record({
      body: fc.uint8Array({ maxLength: 3_000 }),
      traceparent: fc.option(fc.string({ maxLength: 60 }), { nil: undefined }),
    });
    fc.assert(
      fc.property(fc.array(record, { minLength: 1, maxLength: 300 }), fc.nat(), (contents, baseOffset) => {
        const accepted = contents.map(({ body }, at) => sampleAccepted(sampleMessageId(at), body));
        const batch = batchOf(
          contents.map(({ traceparent }, at) => ({ value: encodeRecord(accepted[at]!), traceparent })),
          baseOffset,
        );
        const read = readRecordBatches(batch, baseOffset);
        expect(read.map(({ offset }) => offset)).toEqual(accepted.map((_, at) => baseOffset + at));
        for (const [at, { record: found, appendTime, sizeOctets }] of read.entries()) {
          expect(appendTime).toBe(1_764_000_000_000);
          expect(sizeOctets).toBe(encodeRecord(accepted[at]!).length);
          expect(encodeRecord(found as never)).toEqual(encodeRecord(accepted[at]!));
        }
      }),
      { numRuns: 30 },
    );
  });

  it('begin where asked, and leave out what is not all there', () => {
    const octets = Buffer.concat([batchOf(claims(5), 10), batchOf(claims(3), 15), batchOf(claims(4), 18)]);
    const offsets = (from: number, length: number): number[] =>
      readRecordBatches(octets.subarray(0, length), from).map(({ offset }) => offset);
    expect(offsets(12, octets.length)).toEqual([12, 13, 14, 15, 16, 17, 18, 19, 20, 21]);
    expect(offsets(12, octets.length - 1)).toEqual([12, 13, 14, 15, 16, 17]);
    expect(offsets(10, 60)).toEqual([]);
    expect(offsets(10, 0)).toEqual([]);
  });

  it('carry the time at which the log took them, where it says so', () => {
    const batch = batchOf(claims(2));
    batch.writeInt16BE(0b1000, 21);
    batch.writeBigInt64BE(1_764_000_009_999n, 35);
    expect(readRecordBatches(sealed(batch), 0).map(({ appendTime }) => appendTime)).toEqual([
      1_764_000_009_999, 1_764_000_009_999,
    ]);
  });

  it.each([
    ['a damaged batch', (batch: Buffer) => void batch.writeUInt8(batch[80]! ^ 1, 80)],
    ['a compressed batch', (batch: Buffer) => void sealed(batch.fill(1, 22, 23))],
    ['a mark of a transaction', (batch: Buffer) => void sealed(batch.fill(0b10_0000, 22, 23))],
    ['a batch of version 1', (batch: Buffer) => void batch.writeUInt8(1, 16)],
  ])('give every offset of %s a record that says so', (reason, spoil) => {
    const spoilt = batchOf(claims(3), 2);
    spoil(spoilt);
    const read = readRecordBatches(Buffer.concat([batchOf(claims(2), 0), spoilt, batchOf(claims(1), 5)]), 0);
    expect(read.map(({ offset }) => offset)).toEqual([0, 1, 2, 3, 4, 5]);
    expect(read.slice(2, 5).map(({ record }) => record)).toEqual(
      Array.from({ length: 3 }, () => ({ type: 'Undecodable', reason })),
    );
    expect(read[5]!.record.type).toBe('PartitionClaimed');
  });
});
