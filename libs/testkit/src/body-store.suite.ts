/** The contract of the body store: every sentence of the port's docstrings, for any driver. */
import { createHash } from 'node:crypto';
import { crc32 } from 'node:zlib';
import { isMtaError } from '@mailyard/mail';
import { type BodyStore, bodyKey, type MessageId } from '@mailyard/queue';
import { afterEach, describe, expect, it } from 'vitest';
import { sampleMessageId } from './sample-records.ts';

/** An empty store, and what can be done to it. */
export interface BodyStoreSubject {
  readonly store: BodyStore;
  /** Ends the process that holds the store, or the server behind it, without warning where it can, and opens it again. */
  readonly restart?: () => Promise<BodyStore>;
  readonly dispose: () => Promise<void>;
}

export interface BodyStoreTraits {
  /** Size of the largest body that is put, in octets; 64 MiB unless said otherwise. */
  readonly largeOctets?: number;
  /** Whether memory is bounded whatever the size: not so for a store that is in memory itself. */
  readonly bounded?: boolean;
}

const message = (number: number): MessageId => sampleMessageId(number);

async function octetsOf(content: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const pieces: Uint8Array[] = [];
  for await (const piece of content) pieces.push(Uint8Array.from(piece));
  return Buffer.concat(pieces);
}

async function keysOf(store: BodyStore, partition: number): Promise<string[]> {
  const keys: string[] = [];
  for await (const { key } of store.list(partition)) keys.push(key);
  return keys.sort();
}

/** A body of any size in pieces of odd length, made as it is asked for. */
function* pieces(sizeOctets: number): Generator<Uint8Array> {
  const piece = Buffer.from(Array.from({ length: 65_521 }, (_, at) => (at * 131) & 255));
  for (let left = sizeOctets; left > 0; left -= piece.length) yield piece.subarray(0, Math.min(left, piece.length));
}

/** Runs the contract suite against a driver. `factory` makes an empty store for each test. */
export function describeBodyStore(
  name: string,
  factory: () => Promise<BodyStoreSubject>,
  traits: BodyStoreTraits = {},
): void {
  const largeOctets = traits.largeOctets ?? 201_326_592;

  describe(`body store: ${name}`, () => {
    const cleanups: (() => Promise<void>)[] = [];
    afterEach(async () => {
      for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
    });

    async function subject(): Promise<BodyStoreSubject> {
      const made = await factory();
      cleanups.push(made.dispose);
      return made;
    }

    it('takes bodies now', async () => {
      const { store } = await subject();
      await expect(store.check()).resolves.toBeUndefined();
    });

    it.each([0, 1, 65_536, 300_001])('gives back a body of %i octets, with its size and CRC-32', async (sizeOctets) => {
      const { store } = await subject();
      const body = Buffer.concat([...pieces(sizeOctets)]);
      const stored = await store.put(bodyKey(0, message(1), 0), pieces(sizeOctets));
      expect(stored).toEqual({ sizeOctets, crc32: crc32(body) });
      expect((await octetsOf(await store.get(bodyKey(0, message(1), 0)))).equals(body)).toBe(true);
    });

    it('takes content that comes in its own time, and keeps no hold on its buffers', async () => {
      const { store } = await subject();
      async function* content(): AsyncGenerator<Uint8Array> {
        const buffer = Buffer.alloc(1000);
        for (let turn = 0; turn < 20; turn++) {
          buffer.fill(turn);
          yield buffer;
          await new Promise((resolve) => setImmediate(resolve));
        }
      }
      await store.put(bodyKey(0, message(1), 0), content());
      const expected = Buffer.concat(Array.from({ length: 20 }, (_, turn) => Buffer.alloc(1000, turn)));
      expect((await octetsOf(await store.get(bodyKey(0, message(1), 0)))).equals(expected)).toBe(true);
    });

    it('streams a large body both ways in bounded memory', async () => {
      const { store } = await subject();
      const expected = createHash('sha256');
      for (const piece of pieces(largeOctets)) expected.update(piece);
      let peak = 0;
      const before = process.memoryUsage().rss;
      function* watched(): Generator<Uint8Array> {
        for (const piece of pieces(largeOctets)) {
          peak = Math.max(peak, process.memoryUsage().rss - before);
          yield piece;
        }
      }
      await store.put(bodyKey(0, message(1), 0), watched());
      const found = createHash('sha256');
      for await (const piece of await store.get(bodyKey(0, message(1), 0))) {
        peak = Math.max(peak, process.memoryUsage().rss - before);
        found.update(piece);
      }
      expect(found.digest('hex')).toBe(expected.digest('hex'));
      // Garbage counts too, and comes and goes: what is bounded stays well below the whole, what is not goes above it.
      if (traits.bounded !== false) expect(peak).toBeLessThan(0.75 * largeOctets);
    });

    it('never writes over the last piece of a reader that broke off', async () => {
      const { store } = await subject();
      const keys = [1, 2, 3].map((number) => bodyKey(0, message(number), 0));
      for (const [at, key] of keys.entries()) await store.put(key, [Buffer.alloc(300_000, at + 1)]);
      let last: Uint8Array = new Uint8Array();
      for await (const piece of await store.get(keys[0]!)) {
        last = piece;
        break;
      }
      const kept = Buffer.from(last);
      for (const key of keys.slice(1)) await octetsOf(await store.get(key));
      expect(kept.equals(last)).toBe(true);
    });

    it('says of a missing body that it is missing', async () => {
      const { store } = await subject();
      const error = await store.get(bodyKey(0, message(1), 0)).catch((caught: unknown) => caught);
      expect(isMtaError(error, 'BODY_MISSING')).toBe(true);
    });

    it('deletes, and finds nothing wrong with deleting what is not there', async () => {
      const { store } = await subject();
      const key = bodyKey(0, message(1), 0);
      await store.put(key, [Buffer.from('octets')]);
      await store.delete(key);
      await expect(store.get(key)).rejects.toMatchObject({ code: 'BODY_MISSING' });
      await store.delete(key);
      await store.delete(bodyKey(5, message(1), 0));
    });

    it('replaces a body that is put again', async () => {
      const { store } = await subject();
      const key = bodyKey(0, message(1), 0);
      await store.put(key, [Buffer.from('first')]);
      await store.put(key, [Buffer.from('second, longer')]);
      expect((await octetsOf(await store.get(key))).toString()).toBe('second, longer');
      expect(await keysOf(store, 0)).toEqual([key]);
    });

    it('leaves nothing of a put that failed', async () => {
      const { store } = await subject();
      const key = bodyKey(0, message(1), 0);
      const broken = new Error('the client went away');
      function* content(): Generator<Uint8Array> {
        yield Buffer.alloc(300_000);
        throw broken;
      }
      await expect(store.put(key, content())).rejects.toThrow();
      await expect(store.get(key)).rejects.toMatchObject({ code: 'BODY_MISSING' });
      expect(await keysOf(store, 0)).toEqual([]);
    });

    it('lists the bodies of one partition, with the time when they were stored', async () => {
      const { store } = await subject();
      const keys = Array.from({ length: 25 }, (_, at) => bodyKey(1, message(at), at % 3));
      await Promise.all(keys.map((key) => store.put(key, [Buffer.from(key)])));
      await store.put(bodyKey(10, message(1), 0), [Buffer.from('of a partition whose number begins alike')]);
      expect(await keysOf(store, 1)).toEqual([...keys].sort());
      expect(await keysOf(store, 0)).toEqual([]);
      for await (const { storedAt } of store.list(1)) expect(Math.abs(storedAt - Date.now())).toBeLessThan(60_000);
    });

    it('lists while bodies are deleted', async () => {
      const { store } = await subject();
      for (let at = 0; at < 10; at++) await store.put(bodyKey(1, message(at), 0), [Buffer.from('x')]);
      for await (const { key } of store.list(1)) await store.delete(key);
      expect(await keysOf(store, 1)).toEqual([]);
    });

    it('takes many bodies at once', async () => {
      const { store } = await subject();
      await Promise.all(
        Array.from({ length: 50 }, (_, at) => store.put(bodyKey(0, message(at), 0), pieces(1000 + at))),
      );
      for (const at of [0, 25, 49])
        expect((await octetsOf(await store.get(bodyKey(0, message(at), 0)))).length).toBe(1000 + at);
    });

    it.each([
      '',
      '0',
      '../../etc/passwd',
      '0/../1',
      `0/${message(1)}/../0`,
      `/0/${message(1)}/0`,
      `0/${message(1)}/0/x`,
    ])('takes no key of another form: "%s"', async (key) => {
      const { store } = await subject();
      await expect(store.put(key, [Buffer.from('x')])).rejects.toThrow();
    });

    it('has after a restart what it acknowledged', async ({ skip }) => {
      const { store, restart } = await subject();
      if (restart === undefined) return skip('the store does not outlive its process');
      const body = Buffer.concat([...pieces(400_000)]);
      await store.put(bodyKey(3, message(7), 0), [body]);
      const again = await restart();
      expect((await octetsOf(await again.get(bodyKey(3, message(7), 0)))).equals(body)).toBe(true);
      expect(await keysOf(again, 3)).toEqual([bodyKey(3, message(7), 0)]);
    });
  });
}
