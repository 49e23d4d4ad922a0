import { crc32 } from 'node:zlib';
import type { Content } from '@mailyard/delivery-rules';
import { MtaError } from '@mailyard/mail';
import {
  bodyKey,
  type BodyStore,
  type MessageAccepted,
  type MessageId,
  type OpenMessage,
  type QueueLog,
  type StoredReference,
} from '@mailyard/queue';

/** Stored bodies up to this size are read and checked whole before anything is sent, larger ones while they are sent. */
const WHOLE_OCTETS = 262_144;

interface HotBodies {
  /** By number of the body; undefined for stored ones. */
  readonly octets: readonly (Uint8Array | undefined)[];
  readonly size: number;
}

/**
 * The content of copies, wherever their bodies are: inline ones stay in memory for as long as there is room, so that
 * most mail is delivered without being read again; then they are read from the log, or from the body store.
 */
export class Bodies {
  readonly #log: QueueLog;
  readonly #store: BodyStore;
  readonly #limit: number;
  readonly #hot = new Map<MessageId, HotBodies>();
  #hotOctets = 0;

  /** @param limit octets of inline bodies to keep in memory */
  constructor(log: QueueLog, store: BodyStore, limit: number) {
    this.#log = log;
    this.#store = store;
    this.#limit = limit;
  }

  get hotOctets(): number {
    return this.#hotOctets;
  }

  /** An acceptance was read: keeps its inline bodies. The oldest make room. */
  keep({ message, bodies }: MessageAccepted): void {
    let size = 0;
    for (const body of bodies) if (body.kind === 'inline') size += body.octets.length;
    if (size === 0 || size > this.#limit) return;
    const octets = bodies.map((body) => (body.kind === 'inline' ? body.octets : undefined));
    this.#hot.set(message, { octets, size });
    this.#hotOctets += size;
    for (const oldest of this.#hot.keys()) {
      if (this.#hotOctets <= this.#limit) break;
      this.forget(oldest);
    }
  }

  forget(message: MessageId): void {
    const known = this.#hot.get(message);
    if (known === undefined) return;
    this.#hot.delete(message);
    this.#hotOctets -= known.size;
  }

  /**
   * The content of a copy: prefix, then the body from `skipOctets` on.
   *
   * @returns at once when it is in memory
   * @throws MtaError `BODY_MISSING` when the body is gone or is not what was stored (I10), `BODY_STORE_AWAY`, `LOG_AWAY`
   */
  contentOf(partition: number, message: OpenMessage, copy: number): Content | Promise<Content> {
    const { prefix, body, skipOctets, sizeOctets } = message.envelope.copies[copy]!;
    const hot = this.#hot.get(message.id)?.octets[body];
    if (hot !== undefined) return inMemory(hot, prefix, skipOctets, sizeOctets);
    const place = message.envelope.bodies[body]!;
    if (place.kind === 'logged')
      return this.inlineOctets(partition, message, body).then((octets) =>
        inMemory(octets, prefix, skipOctets, sizeOctets),
      );
    if (place.sizeOctets <= WHOLE_OCTETS)
      return this.#whole(place).then((octets) => inMemory(octets, prefix, skipOctets, sizeOctets));
    return Promise.resolve({
      sizeOctets,
      octets: async () => concatenated(prefix, skip(this.#stored(place), skipOctets)),
    });
  }

  /** The first octets of a copy's content, at least `octets` of them if there are so many: for a report's quotation. */
  async beginningOf(partition: number, message: OpenMessage, copy: number, octets: number): Promise<Buffer> {
    const content = await this.contentOf(partition, message, copy);
    if (content.octets instanceof Uint8Array) return Buffer.from(content.octets).subarray(0, octets);
    const pieces: Uint8Array[] = [];
    let size = 0;
    const source = typeof content.octets === 'function' ? await content.octets() : content.octets;
    for await (const piece of source) {
      pieces.push(Buffer.from(piece));
      size += piece.length;
      if (size >= octets) break;
    }
    return Buffer.concat(pieces).subarray(0, octets);
  }

  /** The octets of a body that stands in the log. @throws MtaError `BODY_MISSING` */
  async inlineOctets(partition: number, message: OpenMessage, body: number): Promise<Uint8Array> {
    const hot = this.#hot.get(message.id)?.octets[body];
    if (hot !== undefined) return hot;
    const place = message.envelope.bodies[body]!;
    if (place.kind !== 'logged') throw new MtaError('BODY_MISSING', `body ${body} of ${message.id} is not in the log`);
    const { id } = message;
    const logged = await this.#log.read(partition, place.offset);
    const record = logged?.record;
    const found = record?.type === 'MessageAccepted' && record.message === id ? record.bodies[body] : undefined;
    if (found?.kind !== 'inline')
      throw new MtaError(
        'BODY_MISSING',
        `the log no longer holds body ${body} of ${id} at ${partition}/${place.offset}`,
      );
    return found.octets;
  }

  /** Puts a body that stands in the log into the store. @throws MtaError `BODY_MISSING`, `BODY_STORE_AWAY` */
  async store(partition: number, message: OpenMessage, body: number): Promise<StoredReference> {
    const key = bodyKey(partition, message.id, body);
    const octets = await this.inlineOctets(partition, message, body);
    return { kind: 'stored', key, ...(await this.#store.put(key, [octets])) };
  }

  /** Ends without an error only when all of it was what was stored: nothing damaged is ever ended with a dot. */
  async *#stored({ key, sizeOctets, crc32: expected }: StoredReference): AsyncGenerator<Uint8Array> {
    let checksum = 0;
    let size = 0;
    for await (const piece of await this.#store.get(key)) {
      checksum = crc32(piece, checksum);
      size += piece.length;
      yield piece;
    }
    if (size !== sizeOctets || checksum !== expected)
      throw new MtaError(
        'BODY_MISSING',
        `body ${key} is damaged: ${size} of ${sizeOctets} octets, checksum ${checksum}`,
      );
  }

  async #whole(place: StoredReference): Promise<Uint8Array> {
    const octets = Buffer.allocUnsafe(place.sizeOctets);
    let size = 0;
    for await (const piece of this.#stored(place)) {
      if (size + piece.length <= octets.length) octets.set(piece, size);
      size += piece.length;
    }
    return octets;
  }
}

function inMemory(body: Uint8Array, prefix: Uint8Array, skipOctets: number, sizeOctets: number): Content {
  const rest = skipOctets === 0 ? body : body.subarray(skipOctets);
  return { sizeOctets, octets: prefix.length === 0 ? rest : [prefix, rest] };
}

async function* concatenated(prefix: Uint8Array, rest: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  if (prefix.length > 0) yield prefix;
  yield* rest;
}

async function* skip(source: AsyncIterable<Uint8Array>, octets: number): AsyncGenerator<Uint8Array> {
  let left = octets;
  for await (const piece of source) {
    if (left >= piece.length) {
      left -= piece.length;
      continue;
    }
    yield left === 0 ? piece : piece.subarray(left);
    left = 0;
  }
}
