import { crc32 } from 'node:zlib';
import { MtaError } from '@mailyard/mail';
import { type BodyStore, isBodyKey, type StoredBody } from '@mailyard/queue';

/** Bodies in memory, for tests. */
export class MemoryBodyStore implements BodyStore {
  readonly #bodies = new Map<string, { readonly octets: Buffer; readonly storedAt: number }>();
  readonly #now: () => number;
  /** Set it, and every call fails with this code, as when the store does not answer or is full. */
  fault: 'BODY_STORE_AWAY' | 'BODY_STORE_FULL' | undefined;

  constructor(now: () => number = Date.now) {
    this.#now = now;
  }

  /** Keys of all bodies, in the order in which they were stored. */
  get keys(): string[] {
    return [...this.#bodies.keys()];
  }

  async put(
    key: string,
    content: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  ): Promise<{ sizeOctets: number; crc32: number }> {
    if (!isBodyKey(key)) throw new RangeError(`"${key}" is no key of a body`);
    const pieces: Uint8Array[] = [];
    for await (const piece of content) pieces.push(Uint8Array.from(piece));
    this.#assertThere();
    const octets = Buffer.concat(pieces);
    this.#bodies.set(key, { octets, storedAt: this.#now() });
    return { sizeOctets: octets.length, crc32: crc32(octets) };
  }

  async get(key: string): Promise<AsyncIterable<Uint8Array>> {
    this.#assertThere();
    const body = this.#bodies.get(key);
    if (body === undefined) throw new MtaError('BODY_MISSING', `there is no body ${key}`);
    return piecesOf(body.octets);
  }

  async delete(key: string): Promise<void> {
    this.#assertThere();
    this.#bodies.delete(key);
  }

  async *list(partition: number): AsyncGenerator<StoredBody> {
    this.#assertThere();
    for (const [key, { storedAt }] of this.#bodies) if (key.startsWith(`${partition}/`)) yield { key, storedAt };
  }

  async check(): Promise<void> {
    this.#assertThere();
  }

  async close(): Promise<void> {}

  #assertThere(): void {
    if (this.fault !== undefined) throw new MtaError(this.fault, 'as the test asked');
  }
}

async function* piecesOf(octets: Buffer): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < octets.length; at += 65_536) yield octets.subarray(at, at + 65_536);
}
