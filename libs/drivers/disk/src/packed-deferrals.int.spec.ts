import { cp, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { decodeRecord, WireWriter } from '@mailyard/contracts';
import { type Decision, makeMessageId, type QueueRecord, type RecipientDeferred } from '@mailyard/queue';
import { RecordingHandler } from '@mailyard/testkit/recording-handler';
import { sampleAccepted, sampleClaim, sampleMessageId, sampleQueued } from '@mailyard/testkit/sample-records';
import { until } from '@mailyard/testkit/services/service-unit';
import * as fc from 'fast-check';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type Frame, parseFrame, recordsOf, sealFrame, writeFrame } from './batch-frame.ts';
import { DiskQueueLog } from './disk-queue-log.ts';

/** A folder that was written before deferrals were compressed: {@link OLD_BATCHES}. */
const OLD_FOLDER = join(import.meta.dirname, '../testdata/plain-frames');

function deferral(number: number, text = 'connect: connection refused'): RecipientDeferred {
  const tail = Uint8Array.from({ length: 10 }, (_, i) => (number * 89 + i * 37) % 256);
  const decision: Decision = { term: 7, sequence: number };
  return {
    type: 'RecipientDeferred',
    message: makeMessageId(1_764_000_000_000 + number, tail),
    recipient: 0,
    decision,
    reply: { code: 451, enhancedStatus: '4.4.1', text },
    host: 'mx.example.com [192.0.2.1]:25',
    stage: 'connect',
    route: 'DNS',
    routeVersion: 1,
    at: 1_764_000_001_000 + number,
    dueAt: 1_764_000_061_000 + number,
    countsAsRetry: false,
    outcomeUnknown: false,
  };
}

function deferrals(count: number, from = 0): RecipientDeferred[] {
  return Array.from({ length: count }, (_, number) => deferral(from + number));
}

const OLD_BATCHES: readonly (readonly QueueRecord[])[] = [
  [sampleClaim(1)],
  [sampleAccepted(sampleMessageId(1), Buffer.from('old mail\r\n')), sampleQueued(sampleMessageId(1))],
  deferrals(20),
  deferrals(1, 20),
];

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'mailyard-deferrals-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

function frameOf(records: readonly QueueRecord[]): Frame {
  const w = new WireWriter(100);
  writeFrame(w, records);
  const end = sealFrame(w.octets, 0, 100, 1_764_000_000_000, 0);
  return parseFrame(Buffer.from(w.octets.subarray(0, end)), 0, 0) as Frame;
}

test('a batch of deferrals comes back, whole or in part, compressed or not', () => {
  const batch = fc.array(fc.tuple(fc.nat(1_000), fc.string({ unit: 'binary', maxLength: 60 })), { minLength: 1 });
  fc.assert(
    fc.property(batch, fc.nat(40), fc.nat(40), (numbers, a, b) => {
      const records = numbers.map(([number, text]) => deferral(number, text));
      const frame = frameOf(records);
      expect(recordsOf(frame, 100, Infinity).map(({ record }) => record)).toEqual(records);
      const [from, to] = [Math.min(a, b), Math.max(a, b)];
      const part = recordsOf(frame, 100 + from, 100 + to);
      expect(part.map(({ record }) => record)).toEqual(records.slice(from, to));
      expect(part.map(({ offset }) => offset)).toEqual(records.slice(from, to).map((_, i) => 100 + from + i));
      const inFile = recordsOf(frame, 100, Infinity).reduce((sum, { sizeOctets }) => sum + 4 + sizeOctets, 0);
      expect(inFile).toBe(frame.payload.length);
    }),
    { numRuns: 40 },
  );
});

test('a dozen deferrals take a third of what they took; few, and batches with anything else, lie there as before', () => {
  expect(frameOf(deferrals(12)).payload.length).toBeLessThan(12 * 55);
  expect(frameOf(deferrals(7)).payload.length).toBeGreaterThan(7 * 140);
  const mixed = [...deferrals(12), sampleQueued(sampleMessageId(1))];
  expect(frameOf(mixed).payload.length).toBeGreaterThan(12 * 140);
});

test('to a reader of an earlier version they are records that it does not know, no others', () => {
  const { payload, count } = frameOf(deferrals(12));
  let at = 0;
  for (let i = 0; i < count; i++) {
    const end = at + 4 + payload.readUInt32LE(at);
    expect(decodeRecord(payload.subarray(at + 4, end)).type).toBe('Undecodable');
    at = end;
  }
  expect(at).toBe(payload.length);
});

test('a compressed batch that cannot be read is kept as records that are not known', () => {
  const frame = frameOf(deferrals(12));
  frame.payload.fill(0, 7, 20);
  const read = recordsOf(frame, 100, Infinity);
  expect(read.map(({ record }) => record.type)).toEqual(Array(12).fill('Undecodable'));
});

test('a folder of an earlier version opens, and goes on', async () => {
  await cp(OLD_FOLDER, folder, { recursive: true });
  const before = await readFile(join(folder, '0', `${'0'.repeat(16)}.log`));
  const log = await DiskQueueLog.open(folder);
  try {
    const fresh = deferrals(30, 100);
    await log.append(0, fresh);
    const expected = [...OLD_BATCHES.flat(), ...fresh];
    const handler = new RecordingHandler();
    const reading = await log.join(handler);
    await until(
      () => Promise.resolve(handler.of(0).records.length === expected.length),
      30_000,
      () => `${handler.of(0).records.length} records`,
    );
    expect(handler.of(0).records.map(({ record }) => record)).toEqual(expected);
    expect((await log.read(0, expected.length - 3))?.record).toEqual(expected.at(-3));
    await reading.stop();
  } finally {
    await log.close();
  }
  const after = await readFile(join(folder, '0', `${'0'.repeat(16)}.log`));
  expect(after.subarray(0, before.length).equals(before)).toBe(true);
  expect(after.length - before.length).toBeLessThan(30 * 55);
});
