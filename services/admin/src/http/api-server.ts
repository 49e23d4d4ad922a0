/** Takes a request to its handler: path, caller, role, origin and body are looked at here, for all of them alike. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Role } from '@mailyard/grpc';
import { entityTagOf, hasAlready, type HttpHandler, PathTable, pathOf, readBody } from '@mailyard/http';
import type { z } from 'zod';
import { ApiRefusal, readKnownError } from './api-refusal.ts';
import type { Gate, Visitor } from './gate.ts';
import { readShape } from './shape.ts';

export const API_PREFIX = '/api/';
const JSON_OCTETS = 1_048_576;
const FILE_OCTETS = 64 * 1024 * 1024;
/** Files that are taken in at the same time; each may be held in memory whole. */
const MOST_FILES = 2;
/** How often it is asked again who reads a stream. */
const IDENTIFY_AGAIN_MS = 60_000;
/** A connection over which nothing of a stream goes for so long is cut: it holds a place that others may need. */
const UNREAD_MS = 300_000;

/** A request that was let in. */
export interface ApiCall {
  /** @throws Error where nobody needs to have signed in */
  readonly visitor: Visitor;
  readonly request: IncomingMessage;
  /** Aborted when whoever asked has gone. */
  readonly signal: AbortSignal;
  readonly parameters: ReadonlyMap<string, string>;
  /** @throws ApiRefusal 400 */
  query<T>(shape: z.ZodType<T>): T;
  /** @throws ApiRefusal 400 */
  json<T>(shape: z.ZodType<T>): T;
  /** A file that was sent as text. */
  readonly file: Buffer;
}

export interface Answer {
  /** 200 unless given. */
  readonly status?: number;
  /** Sent as JSON. */
  readonly json?: unknown;
  /** With an ETag, and empty when the caller has it already. */
  readonly isPolled?: boolean;
  readonly text?: string;
  /** Sent piece by piece; what it throws before the first is refused as ever, later the connection is cut. */
  readonly octets?: AsyncIterable<Uint8Array>;
  readonly headers?: Readonly<Record<string, string>>;
}

/** One operation of the API. */
export interface ApiOperation {
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE';
  readonly path: string;
  /** `public`: whoever asks. */
  readonly role: Role | 'public';
  readonly body?: 'json' | 'file';
  readonly handle: (call: ApiCall) => Answer | Promise<Answer>;
}

export class ApiServer {
  readonly #table = new PathTable<ApiOperation>();
  readonly #gate: Gate;
  readonly #report: (error: unknown) => void;
  readonly #unreadMs: number;
  #files = 0;

  constructor(
    operations: readonly ApiOperation[],
    gate: Gate,
    report: (error: unknown) => void,
    unreadMs: number = UNREAD_MS,
  ) {
    this.#gate = gate;
    this.#report = report;
    this.#unreadMs = unreadMs;
    for (const operation of operations) this.#table.add(operation.method, operation.path, operation);
  }

  readonly handler: HttpHandler = async (request, response) => {
    try {
      const answer = await this.#answer(request, response);
      if (answer.octets === undefined) send(request, response, answer);
      else {
        const limits = { identify: () => this.#gate.identify(request), unreadMs: this.#unreadMs };
        await stream(request, response, answer, answer.octets, limits);
      }
    } catch (error) {
      this.#refuse(request, response, error);
    }
    // What is left of a body is let go by: the answer must not be lost in a reset connection.
    request.resume();
  };

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<Answer> {
    const method = request.method === 'HEAD' ? 'GET' : request.method!;
    const found = this.#table.find(method, pathOf(request));
    if (found.kind === 'none') throw new ApiRefusal(404, 'PATH_UNKNOWN', 'there is no such path');
    if (found.kind === 'otherMethod') {
      response.setHeader('Allow', found.allowed.join(', '));
      throw new ApiRefusal(405, 'METHOD_UNKNOWN', `this path takes ${found.allowed.join(', ')}`);
    }
    const { value: operation, parameters } = found;
    const visitor = operation.role === 'public' ? undefined : await this.#gate.identify(request);
    if (visitor !== undefined && operation.role !== 'public') this.#gate.demandRole(visitor, operation.role);
    if (method !== 'GET') this.#gate.demandOwnPage(request, visitor);
    const gone = new AbortController();
    response.once('close', () => gone.abort());
    const call = { request, signal: gone.signal, parameters, query: queryReader(request) };
    if (operation.body === 'file')
      return this.#withFile(request, (file) => operation.handle(admit(call, visitor, file)));
    const body = operation.body === undefined ? undefined : await readJson(request);
    return operation.handle(admit({ ...call, json: (shape) => readShape(shape, body, 'BODY_INVALID') }, visitor));
  }

  async #withFile(request: IncomingMessage, work: (file: Buffer) => Answer | Promise<Answer>): Promise<Answer> {
    demandType(request, 'text/plain');
    if (this.#files >= MOST_FILES)
      throw new ApiRefusal(503, 'BUSY', 'other files are being taken in', { retryAfterSeconds: 5 });
    this.#files += 1;
    try {
      return await work(await demandBody(request, FILE_OCTETS));
    } finally {
      this.#files -= 1;
    }
  }

  #refuse(request: IncomingMessage, response: ServerResponse, error: unknown): void {
    let refusal = readKnownError(error);
    if (refusal === undefined) {
      this.#report(error);
      refusal = new ApiRefusal(500, 'INTERNAL', 'internal error; the log of the server has more');
    }
    if (response.headersSent) {
      response.destroy();
      return;
    }
    const { status, code, message, details } = refusal;
    const { retryAfterSeconds, ...rest } = details;
    if (retryAfterSeconds !== undefined) response.setHeader('Retry-After', String(retryAfterSeconds));
    if (status === 401) response.setHeader('WWW-Authenticate', 'Bearer');
    send(request, response, { status, json: { code, message, ...rest } });
  }
}

type Bare = Pick<ApiCall, 'request' | 'signal' | 'parameters' | 'query'> & Partial<Pick<ApiCall, 'json'>>;

function admit(bare: Bare, visitor: Visitor | undefined, file?: Buffer): ApiCall {
  return {
    json: () => {
      throw new Error('the operation takes no JSON');
    },
    ...bare,
    get visitor() {
      if (visitor === undefined) throw new Error('the operation is for whoever asks');
      return visitor;
    },
    get file() {
      if (file === undefined) throw new Error('the operation takes no file');
      return file;
    },
  };
}

function queryReader(request: IncomingMessage): ApiCall['query'] {
  return (shape) => {
    const at = request.url!.indexOf('?');
    const pairs = new Map<string, string>();
    for (const [name, value] of new URLSearchParams(at < 0 ? '' : request.url!.slice(at + 1))) {
      if (pairs.has(name)) throw new ApiRefusal(400, 'PARAMETER_INVALID', `${name}: is given twice`);
      pairs.set(name, value);
    }
    return readShape(shape, Object.fromEntries(pairs), 'PARAMETER_INVALID');
  };
}

async function readJson(request: IncomingMessage): Promise<unknown> {
  demandType(request, 'application/json');
  const octets = await demandBody(request, JSON_OCTETS);
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(octets)) as unknown;
  } catch {
    throw new ApiRefusal(400, 'BODY_INVALID', 'the body is no JSON in UTF-8');
  }
}

/** A type that a form of another site cannot send without being asked first. */
function demandType({ headers }: IncomingMessage, type: string): void {
  if (headers['content-type']?.split(';', 1)[0]?.trim().toLowerCase() !== type)
    throw new ApiRefusal(400, 'BODY_INVALID', `the body must be ${type}`);
}

async function demandBody(request: IncomingMessage, limit: number): Promise<Buffer> {
  const body = await readBody(request, limit);
  if (body === 'tooLarge') throw new ApiRefusal(413, 'BODY_TOO_LARGE', `the body has more than ${limit} octets`);
  if (body === 'encoded') throw new ApiRefusal(400, 'BODY_INVALID', 'the body is compressed; send it plain');
  if (body === 'cut') throw new ApiRefusal(400, 'BODY_INVALID', 'the body ended before its time');
  return body;
}

/** What ends a stream that goes on for long. */
interface StreamLimits {
  /** Throws when whoever asked may not any more. */
  readonly identify: () => Promise<unknown>;
  /** For so long nobody needs to read. */
  readonly unreadMs: number;
}

/** @throws what the source throws */
async function stream(
  request: IncomingMessage,
  response: ServerResponse,
  { status = 200, headers = {} }: Answer,
  octets: AsyncIterable<Uint8Array>,
  { identify, unreadMs }: StreamLimits,
): Promise<void> {
  const pieces = octets[Symbol.asyncIterator]();
  let identifiedAt = performance.now();
  try {
    let piece = await pieces.next();
    for (const [name, value] of Object.entries(headers)) response.setHeader(name, value);
    response.writeHead(status);
    if (request.method !== 'HEAD')
      for (; piece.done !== true && !response.destroyed; piece = await pieces.next()) {
        if (performance.now() - identifiedAt >= IDENTIFY_AGAIN_MS) {
          identifiedAt = performance.now();
          await identify();
        }
        if (!response.write(piece.value)) await drained(response, unreadMs);
      }
    response.end();
  } finally {
    await pieces.return?.();
  }
}

/** Also when the other side has gone, or was cut off because it took nothing for so long. */
function drained(response: ServerResponse, unreadMs: number): Promise<void> {
  return new Promise((resolve) => {
    const go = (): void => {
      response.setTimeout(0);
      response.off('drain', go).off('close', go);
      resolve();
    };
    response.on('drain', go).on('close', go);
    // By octets that go, so that who is slow is not cut off. Without a listener the server closes the connection.
    response.setTimeout(unreadMs);
    if (response.destroyed) go();
  });
}

function send(request: IncomingMessage, response: ServerResponse, answer: Answer): void {
  const { status = 200, json, text, isPolled = false, headers = {} } = answer;
  const content = json === undefined ? (text ?? '') : `${JSON.stringify(json)}\n`;
  for (const [name, value] of Object.entries(headers)) response.setHeader(name, value);
  if (isPolled) {
    const tag = entityTagOf(content);
    response.setHeader('ETag', tag);
    if (hasAlready(request, tag)) {
      response.writeHead(304).end();
      return;
    }
  }
  if (content !== '') {
    response.setHeader('Content-Type', json === undefined ? 'text/plain; charset=utf-8' : 'application/json');
    response.setHeader('Content-Length', Buffer.byteLength(content));
  }
  response.writeHead(status).end(request.method === 'HEAD' ? undefined : content);
}
