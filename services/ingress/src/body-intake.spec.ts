import { HEADER_LIMIT } from '@mailyard/mail';
import { MemoryBodyStore } from '@mailyard/memory';
import { bodyKey, type BodyReference } from '@mailyard/queue';
import { sampleMessageId } from '@mailyard/testkit/sample-records';
import * as fc from 'fast-check';
import { describe, expect, it, vi } from 'vitest';
import { BodyIntake } from './body-intake.ts';

const KEY = bodyKey(0, sampleMessageId(1), 0);
const LEAD = 'Received: x\r\n';

/** Gives content in pieces that are overwritten as soon as they were taken, as those of a connection are. */
async function take(intake: BodyIntake, content: Buffer, pieceOctets: number): Promise<BodyReference> {
  const lent = Buffer.alloc(pieceOctets);
  for (let from = 0; from < content.length; from += pieceOctets) {
    const piece = lent.subarray(0, content.copy(lent, 0, from, from + pieceOctets));
    const room = intake.write(piece);
    lent.fill(0);
    await room;
  }
  return intake.end();
}

async function octetsOf(store: MemoryBodyStore, body: BodyReference): Promise<Buffer> {
  if (body.kind === 'inline') return Buffer.from(body.octets);
  const pieces: Uint8Array[] = [];
  for await (const piece of await store.get(body.key)) pieces.push(Uint8Array.from(piece));
  return Buffer.concat(pieces);
}

describe('the intake of a body', () => {
  it('has each octet once, in the log or in the store, however the pieces come', async () => {
    const sizes = fc.constantFrom(0, 1, 4_096, 262_130, 262_131, 262_132, 262_144, 600_000, 1_048_576);
    await fc.assert(
      fc.asyncProperty(sizes, fc.constantFrom(7_919, 65_536, 300_000), async (size, pieceOctets) => {
        const store = new MemoryBodyStore();
        const content = Buffer.from(Array.from({ length: size }, (_, at) => (at * 31) & 255));
        const intake = new BodyIntake(store, KEY, 262_144, LEAD);
        const body = await take(intake, content, pieceOctets);
        expect(body.kind).toBe(size + LEAD.length <= 262_144 ? 'inline' : 'stored');
        expect(intake.sizeOctets).toBe(size + LEAD.length);
        expect((await octetsOf(store, body)).equals(Buffer.concat([Buffer.from(LEAD), content]))).toBe(true);
      }),
      { numRuns: 40 },
    );
  });

  it.each([
    ['in the first block', 100],
    ['behind the inline limit', 40_000],
    ['across the end of a block', 32_768 + 262_144 - LEAD.length - 2],
  ])('keeps the header section and nothing behind it, where it ends %s', async (_name, length) => {
    const header = `A: ${'x'.repeat(length - 3)}\r\n\r\n`;
    const intake = new BodyIntake(new MemoryBodyStore(), KEY, 32_768, LEAD);
    await take(intake, Buffer.from(header + 'b'.repeat(900_000)), 60_000);
    expect(intake.head().toString()).toBe(LEAD + header);
  });

  it('keeps more than the limit of a header section that does not end, and not all of it', async () => {
    const intake = new BodyIntake(new MemoryBodyStore(), KEY, 32_768, LEAD);
    await take(intake, Buffer.alloc(4 * HEADER_LIMIT, 97), 60_000);
    expect(intake.head().length).toBeGreaterThan(HEADER_LIMIT);
    expect(intake.head().length).toBeLessThan(2 * HEADER_LIMIT);
  });

  it('asks to wait while the store does not take its blocks', async () => {
    const store = new MemoryBodyStore();
    const { promise: held, resolve: release } = Promise.withResolvers<void>();
    const slow = new Proxy(store, {
      get: (target, name) =>
        name === 'put'
          ? (key: string, content: AsyncIterable<Uint8Array>) => held.then(() => target.put(key, content))
          : Reflect.get(target, name),
    });
    const intake = new BodyIntake(slow, KEY, 32_768, LEAD);
    const piece = Buffer.alloc(65_536, 97);
    let waited = 0;
    for (let octets = 0; octets < 2_097_152; octets += piece.length) {
      const room = intake.write(piece);
      if (room === undefined) continue;
      // At the first it had taken three blocks at most, and nothing of them was asked for.
      if (waited++ === 0) expect(octets).toBeLessThan(1_048_576);
      release();
      await room;
    }
    expect(waited).toBeGreaterThan(0);
    expect((await octetsOf(store, await intake.end())).length).toBe(LEAD.length + 2_097_152);
  });

  it('takes no new memory for a large body where another was before', async () => {
    const body = Buffer.alloc(1_048_576, 97);
    await take(new BodyIntake(new MemoryBodyStore(), KEY, 262_144, LEAD), body, 65_536);
    const made = vi.spyOn(Buffer, 'allocUnsafeSlow');
    try {
      await take(new BodyIntake(new MemoryBodyStore(), KEY, 262_144, LEAD), body, 65_536);
      expect(made.mock.calls).toEqual([]);
    } finally {
      made.mockRestore();
    }
  });

  it('leaves nothing in the store when it is aborted (I10)', async () => {
    const store = new MemoryBodyStore();
    const intake = new BodyIntake(store, KEY, 1_000, LEAD);
    await intake.write(Buffer.alloc(700_000));
    intake.abort();
    await new Promise((resolve) => setImmediate(resolve));
    expect(store.keys).toEqual([]);
  });
});
