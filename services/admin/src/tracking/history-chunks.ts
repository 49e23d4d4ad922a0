/**
 * The histories of a day, in chunks: what is committed together is compressed together, since messages have most of
 * their texts in common. One alone would take six times as much.
 */
import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { constants, zstdCompressSync, zstdDecompressSync } from 'node:zlib';

/** Where a history is, or the part of it that one commit wrote. */
export interface HistoryPlace {
  readonly chunk: number;
  /** Below {@link MOST_PIECES}. */
  readonly piece: number;
}

const MOST_PIECES = 128;
const MOST_OCTETS = 65_536;
/** Chunks at hand as they were before they were compressed: messages that follow each other share them. */
const MOST_KEPT = 32;
const FAST = { params: { [constants.ZSTD_c_compressionLevel]: 1 }, chunkSize: MOST_OCTETS };
const WHOLE = { chunkSize: MOST_OCTETS };

export class HistoryChunks {
  readonly #write: StatementSync;
  readonly #read: StatementSync;
  readonly #newest: StatementSync;
  readonly #numbers: StatementSync;
  readonly #kept = new Map<number, readonly Uint8Array[]>();
  /** The chunk that is being filled. */
  #number: number;
  #pieces: Uint8Array[] = [];
  #octets = 0;
  readonly #onWritten: (chunk: number) => void;

  /** @param onWritten called for each chunk, within the transaction that it is written in */
  constructor(database: DatabaseSync, table: string, onWritten: (chunk: number) => void) {
    this.#onWritten = onWritten;
    database.exec(`CREATE TABLE IF NOT EXISTS ${table} (chunk INTEGER PRIMARY KEY, octets BLOB NOT NULL)`);
    this.#write = database.prepare(`INSERT INTO ${table} VALUES (?, ?)`);
    this.#read = database.prepare(`SELECT octets FROM ${table} WHERE chunk = ?`);
    this.#newest = database.prepare(`SELECT coalesce(max(chunk), 0) AS chunk FROM ${table}`);
    this.#numbers = database.prepare(`SELECT chunk FROM ${table} ORDER BY chunk`);
    this.#number = this.#next();
  }

  /** Where the next piece will be. */
  get place(): HistoryPlace {
    return { chunk: this.#number, piece: this.#pieces.length };
  }

  /** Puts a piece at {@link place}. It is written when its chunk is full, or by {@link flush}. */
  add(piece: Uint8Array): void {
    this.#pieces.push(piece);
    this.#octets += piece.length;
    if (this.#pieces.length === MOST_PIECES || this.#octets >= MOST_OCTETS) this.flush();
  }

  /** Writes what was added; before each commit. */
  flush(): void {
    if (this.#pieces.length === 0) return;
    this.#write.run(this.#number, zstdCompressSync(joined(this.#pieces, this.#octets), FAST));
    this.#onWritten(this.#number);
    this.#pieces = [];
    this.#octets = 0;
    this.#number += 1;
  }

  /** Forgets what was added since the last commit. */
  discard(): void {
    this.#pieces = [];
    this.#octets = 0;
    this.#kept.clear();
    this.#number = this.#next();
  }

  /** @throws RangeError when there is no such piece */
  read({ chunk, piece }: HistoryPlace): Uint8Array {
    const found = (chunk === this.#number ? this.#pieces : this.#piecesOf(chunk))[piece];
    if (found === undefined) throw new RangeError(`no piece ${piece} in chunk ${chunk} of histories`);
    return found;
  }

  /** All pieces of a chunk; none when there is no such chunk. */
  whole(chunk: number): readonly Uint8Array[] {
    return this.#piecesOf(chunk);
  }

  /** The numbers of all chunks, rising. */
  numbers(): number[] {
    return this.#numbers.all().map((row) => Number(row['chunk']));
  }

  #piecesOf(chunk: number): readonly Uint8Array[] {
    const kept = this.#kept.get(chunk);
    if (kept !== undefined) return kept;
    const row = this.#read.get(chunk);
    const pieces = row === undefined ? [] : parted(zstdDecompressSync(row['octets'] as Uint8Array, WHOLE));
    if (this.#kept.size === MOST_KEPT) this.#kept.delete(this.#kept.keys().next().value!);
    this.#kept.set(chunk, pieces);
    return pieces;
  }

  #next(): number {
    return Number(this.#newest.get()!['chunk']) + 1;
  }
}

/** Each piece after its length. */
function joined(pieces: readonly Uint8Array[], octets: number): Buffer {
  const whole = Buffer.allocUnsafe(octets + 4 * pieces.length);
  let at = 0;
  for (const piece of pieces) {
    at = whole.writeUInt32BE(piece.length, at);
    whole.set(piece, at);
    at += piece.length;
  }
  return whole;
}

function parted(whole: Buffer): Uint8Array[] {
  const pieces: Uint8Array[] = [];
  for (let at = 0; at < whole.length; ) {
    const end = at + 4 + whole.readUInt32BE(at);
    pieces.push(whole.subarray(at + 4, end));
    at = end;
  }
  return pieces;
}
