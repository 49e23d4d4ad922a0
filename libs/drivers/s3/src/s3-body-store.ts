import type { IncomingMessage } from 'node:http';
import { crc32 } from 'node:zlib';
import { MtaError } from '@mailyard/mail';
import { type BodyStore, isBodyKey, type StoredBody } from '@mailyard/queue';
import { PartBuffer } from './part-buffer.ts';
import { away, S3Client, S3Refusal } from './s3-client.ts';
import type { S3Options } from './s3-options.ts';
import { elementsOf, escapeXml, textOf } from './s3-xml.ts';

/** Content up to this size is one request; more goes in parts of this size. S3 asks for at least 5 MiB a part. */
const PART_OCTETS = 8 * 1_048_576;

/** Where the CRC-32 of a body is kept beside it. Absent on one that came in parts: it is not known at their start. */
const CRC_FIELD = 'x-amz-meta-crc32';

/** An object that is written over and over, to see whether the store takes any. */
const PROBE_KEY = 'probe';

/** Bodies as objects of an S3-compatible store. */
export class S3BodyStore implements BodyStore {
  readonly #client: S3Client;
  readonly #prefix: string;

  constructor(options: S3Options) {
    this.#client = new S3Client(options);
    this.#prefix = options.prefix ?? '';
  }

  async put(
    key: string,
    content: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  ): Promise<{ sizeOctets: number; crc32: number }> {
    assertKey(key);
    const stored = { sizeOctets: 0, crc32: 0 };
    let parts: PartsUpload | undefined;
    const buffer = new PartBuffer(PART_OCTETS);
    try {
      for await (const piece of content) {
        stored.sizeOctets += piece.length;
        stored.crc32 = crc32(piece, stored.crc32);
        for (let rest = buffer.add(piece); buffer.isFull; rest = buffer.add(rest)) {
          parts ??= await PartsUpload.begin(this.#client, key);
          await parts.add(buffer.take());
        }
      }
      const rest = buffer.take();
      if (parts === undefined) {
        const fields = { [CRC_FIELD]: stored.crc32.toString(16) };
        await this.#client.ask({ method: 'PUT', key, fields, body: rest });
      } else {
        if (rest.length > 0) await parts.add(rest);
        await parts.complete();
      }
    } catch (error) {
      await parts?.abort();
      throw failure(error);
    }
    return stored;
  }

  async get(key: string): Promise<AsyncIterable<Uint8Array>> {
    assertKey(key);
    try {
      return checked(key, await this.#client.open({ method: 'GET', key }));
    } catch (error) {
      if (error instanceof S3Refusal && error.code === 'NoSuchKey')
        throw new MtaError('BODY_MISSING', `there is no body ${key}`, { cause: error });
      throw failure(error);
    }
  }

  async delete(key: string): Promise<void> {
    assertKey(key);
    try {
      await this.#client.ask({ method: 'DELETE', key });
    } catch (error) {
      if (!(error instanceof S3Refusal && error.code === 'NoSuchKey')) throw failure(error);
    }
  }

  async *list(partition: number): AsyncGenerator<StoredBody> {
    let token = '';
    do {
      const page = await this.#page(`${this.#prefix}${partition}/`, token);
      for (const entry of elementsOf(page, 'Contents')) {
        const key = textOf(entry, 'Key').slice(this.#prefix.length);
        if (isBodyKey(key)) yield { key, storedAt: Date.parse(textOf(entry, 'LastModified')) };
      }
      token = textOf(page, 'IsTruncated') === 'true' ? textOf(page, 'NextContinuationToken') : '';
    } while (token !== '');
  }

  async check(): Promise<void> {
    try {
      await this.#client.ask({ method: 'PUT', key: PROBE_KEY });
    } catch (error) {
      throw failure(error);
    }
  }

  async close(): Promise<void> {
    this.#client.close();
  }

  async #page(prefix: string, token: string): Promise<string> {
    const query = { 'list-type': '2', prefix, ...(token === '' ? {} : { 'continuation-token': token }) };
    try {
      return (await this.#client.ask({ method: 'GET', query })).text;
    } catch (error) {
      throw failure(error);
    }
  }
}

/** A body too large for one request. Nobody sees it before {@link complete}. */
class PartsUpload {
  readonly #client: S3Client;
  readonly #key: string;
  readonly #uploadId: string;
  readonly #tags: string[] = [];

  private constructor(client: S3Client, key: string, uploadId: string) {
    this.#client = client;
    this.#key = key;
    this.#uploadId = uploadId;
  }

  static async begin(client: S3Client, key: string): Promise<PartsUpload> {
    const { text } = await client.ask({ method: 'POST', key, query: { uploads: '' } });
    const uploadId = textOf(text, 'UploadId');
    if (uploadId === '') throw away(new Error('it began no upload'));
    return new PartsUpload(client, key, uploadId);
  }

  async add(body: Uint8Array): Promise<void> {
    const query = { partNumber: String(this.#tags.length + 1), uploadId: this.#uploadId };
    const { fields } = await this.#client.ask({ method: 'PUT', key: this.#key, query, body });
    this.#tags.push(fields.etag ?? '');
  }

  async complete(): Promise<void> {
    const parts = this.#tags.map(
      (tag, index) => `<Part><PartNumber>${index + 1}</PartNumber><ETag>${escapeXml(tag)}</ETag></Part>`,
    );
    const body = Buffer.from(`<CompleteMultipartUpload>${parts.join('')}</CompleteMultipartUpload>`);
    const query = { uploadId: this.#uploadId };
    const { text } = await this.#client.ask({ method: 'POST', key: this.#key, query, body });
    // It may begin its answer with 200 and find out later that it cannot.
    if (text.includes('<Error>')) throw new S3Refusal(200, textOf(text, 'Code'), textOf(text, 'Message'));
  }

  /** Lets the store forget the parts. One that was completed, or is forgotten already, is left as it is. */
  async abort(): Promise<void> {
    const query = { uploadId: this.#uploadId };
    await this.#client.ask({ method: 'DELETE', key: this.#key, query }).catch(() => undefined);
  }
}

/** The content of an answer; fails at its end if octets are missing or differ from what was put. */
async function* checked(key: string, answer: IncomingMessage): AsyncGenerator<Uint8Array> {
  const expected = answer.headers['content-length'];
  const sum = answer.headers[CRC_FIELD];
  let octets = 0;
  let found = 0;
  try {
    for await (const piece of answer as AsyncIterable<Buffer>) {
      octets += piece.length;
      if (sum !== undefined) found = crc32(piece, found);
      yield piece;
    }
  } catch (error) {
    throw away(error);
  } finally {
    answer.destroy();
  }
  if (expected !== undefined && octets !== Number(expected))
    throw away(new Error(`${key} ended after ${octets} of ${expected} octets`));
  if (typeof sum === 'string' && found !== Number.parseInt(sum, 16))
    throw new MtaError('BODY_DAMAGED', `the body ${key} is not what was stored`);
}

/** What the store's refusal means for mail; errors of others pass. */
function failure(error: unknown): unknown {
  if (!(error instanceof S3Refusal)) return error;
  const full = error.status === 507 || /QuotaExceeded|InsufficientStorage|StorageFull/i.test(error.code);
  if (full) return new MtaError('BODY_STORE_FULL', `the body store is full: ${error.message}`, { cause: error });
  return new MtaError('BODY_STORE_AWAY', `the body store refuses: ${error.message}`, { cause: error });
}

function assertKey(key: string): void {
  if (!isBodyKey(key)) throw new RangeError(`"${key}" is no key of a body`);
}
