import type { Difference, Fault, Session } from './values.ts';

/** What the API refused, or why it did not answer. */
export class Refusal extends Error {
  /** Stable; `AWAY` when there was no answer at all. */
  readonly code: string;
  readonly status: number;
  readonly faults: readonly Fault[];
  readonly differences: readonly Difference[];

  constructor(
    code: string,
    status: number,
    message: string,
    faults: readonly Fault[],
    differences: readonly Difference[],
  ) {
    super(message);
    this.code = code;
    this.status = status;
    this.faults = faults;
    this.differences = differences;
  }
}

interface Problem {
  readonly code: string;
  readonly message: string;
  readonly faults?: readonly Fault[];
  readonly differences?: readonly Difference[];
}

type Query = Readonly<Record<string, string | number | boolean | undefined>>;

let signed: Session | undefined;
let listener: SessionListener = { ended: () => undefined, other: () => undefined };
/** The newest answer of each address that is polled, with its ETag. */
const kept = new Map<string, { readonly etag: string; readonly value: unknown }>();

/** Called when an answer says that the session is over, or is another one: another page of this browser signed in. */
export interface SessionListener {
  readonly ended: () => void;
  readonly other: (session: Session) => void;
}

export function whenSessionChanges(told: SessionListener): void {
  listener = told;
}

/** Keeps the session whose token every write carries. */
export function useSession(session: Session | undefined): void {
  if (session?.user !== signed?.user) kept.clear();
  signed = session;
}

/**
 * Reads from the API.
 *
 * @throws Refusal
 */
export async function get<T>(path: string, query: Query = {}, signal?: AbortSignal): Promise<T> {
  const address = `/api/v1${path}${queryText(query)}`;
  const known = kept.get(address);
  const answer = await send(address, {
    ...(known === undefined ? {} : { headers: { 'If-None-Match': known.etag } }),
    ...(signal === undefined ? {} : { signal }),
  });
  if (answer.status === 304 && known !== undefined) return known.value as T;
  const value = (await bodyOf(answer)) as T;
  const etag = answer.headers.get('ETag');
  if (etag !== null) keep(address, etag, value);
  return value;
}

/**
 * Writes to the API.
 *
 * @param body sent as JSON; a string or a file as it is
 * @throws Refusal
 */
export async function write<T>(method: 'POST' | 'PUT' | 'DELETE', path: string, body?: unknown): Promise<T> {
  const isText = typeof body === 'string' || body instanceof Blob;
  const request = (): Promise<Response> =>
    send(`/api/v1${path}`, {
      method,
      headers: {
        'X-CSRF-Token': signed?.csrfToken ?? '',
        ...(body === undefined ? {} : { 'Content-Type': isText ? 'text/plain; charset=utf-8' : 'application/json' }),
      },
      ...(body === undefined ? {} : { body: isText ? body : JSON.stringify(body) }),
    });
  try {
    return (await bodyOf(await request())) as T;
  } catch (error) {
    if (!(error instanceof Refusal) || error.code !== 'CSRF_TOKEN_WRONG' || !(await renewSession())) throw error;
    return (await bodyOf(await request())) as T;
  }
}

/** Another page of this browser has begun a session since: goes on with it if it is of the same user. */
async function renewSession(): Promise<boolean> {
  const session = await get<Session>('/session');
  const isSame = session.user === signed?.user;
  useSession(session);
  if (!isSame) listener.other(session);
  return isSame;
}

function keep(address: string, etag: string, value: unknown): void {
  if (kept.size >= 50) kept.delete(kept.keys().next().value!);
  kept.set(address, { etag, value });
}

export function queryText(query: Query): string {
  const pairs = Object.entries(query).filter(([, value]) => value !== undefined && value !== '');
  return pairs.length === 0 ? '' : `?${new URLSearchParams(pairs.map(([name, value]) => [name, String(value)]))}`;
}

async function send(address: string, options: RequestInit): Promise<Response> {
  try {
    return await fetch(address, { ...options, cache: 'no-store', credentials: 'same-origin', redirect: 'error' });
  } catch (error) {
    if (error instanceof DOMException && error.name === 'AbortError') throw error;
    throw new Refusal('AWAY', 0, String(error), [], []);
  }
}

async function bodyOf(answer: Response): Promise<unknown> {
  if (answer.status === 204) return undefined;
  const isJson = answer.headers.get('Content-Type')?.startsWith('application/json') === true;
  if (answer.ok && isJson) return answer.json();
  const problem: Problem = isJson
    ? ((await answer.json()) as Problem)
    : { code: answer.status >= 500 ? 'AWAY' : 'NOT_FOUND', message: `HTTP ${answer.status}` };
  if (problem.code === 'SIGN_IN_NEEDED' || problem.code === 'FIRST_ADMINISTRATOR_NEEDED') listener.ended();
  throw new Refusal(problem.code, answer.status, problem.message, problem.faults ?? [], problem.differences ?? []);
}
