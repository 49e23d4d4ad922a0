import { mkdtemp, rm } from 'node:fs/promises';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Role } from '@mailyard/grpc';
import type { AcceptedDomain } from '@mailyard/configuration';
import { loadSettings } from '@mailyard/settings';
import { createLogger } from '@mailyard/telemetry';
import { UserFile } from '@mailyard/admin';
import { type Gateway, startGateway } from '../gateway/start-gateway.ts';
import { faultOf } from './openapi.suite.ts';

export const PASSWORD = 'correct horse battery staple';

/** An answer of the API, already compared with its documentation. */
export interface ApiAnswer {
  readonly status: number;
  readonly headers: Headers;
  // The documentation has been checked; what a spec reads of it is its business.
  // oxlint-disable-next-line typescript/no-explicit-any
  readonly body: any;
}

/** A browser: it keeps a cookie and the token of its session. */
export class Browser {
  readonly origin: string;
  cookie = '';
  csrfToken = '';

  constructor(origin: string) {
    this.origin = origin;
  }

  async call(
    method: string,
    path: string,
    body?: unknown,
    headers: Readonly<Record<string, string>> = {},
  ): Promise<ApiAnswer> {
    const isText = typeof body === 'string';
    const answer = await fetch(`${this.origin}${path}`, {
      method,
      redirect: 'manual',
      headers: {
        ...(this.cookie === '' ? {} : { cookie: this.cookie }),
        ...(method === 'GET' ? {} : { origin: this.origin, 'x-csrf-token': this.csrfToken }),
        ...(body === undefined ? {} : { 'content-type': isText ? 'text/plain' : 'application/json' }),
        ...headers,
      },
      ...(body === undefined ? {} : { body: isText ? body : JSON.stringify(body) }),
    });
    const set = answer.headers.get('set-cookie');
    if (set !== null) this.cookie = set.split(';', 1)[0]!;
    const text = await answer.text();
    const type = answer.headers.get('content-type') ?? '';
    const parsed: unknown = type.startsWith('application/json') ? JSON.parse(text) : text;
    const fault = faultOf(method, path.split('?', 1)[0]!, answer.status, type, parsed);
    if (fault !== undefined)
      throw new Error(`${method} ${path} answers ${answer.status}: ${fault}\n${text.slice(0, 2000)}`);
    return { status: answer.status, headers: answer.headers, body: parsed };
  }

  get(path: string, headers: Readonly<Record<string, string>> = {}): Promise<ApiAnswer> {
    return this.call('GET', `/api/v1${path}`, undefined, headers);
  }

  post(path: string, body?: unknown, headers: Readonly<Record<string, string>> = {}): Promise<ApiAnswer> {
    return this.call('POST', `/api/v1${path}`, body, headers);
  }

  async signIn(name: string, password = PASSWORD): Promise<this> {
    const { status, body } = await this.post('/session', { name, password });
    if (status !== 200) throw new Error(`sign in: ${status} ${JSON.stringify(body)}`);
    this.csrfToken = body.csrfToken;
    return this;
  }
}

export interface WebGateway {
  readonly gateway: Gateway;
  readonly folder: string;
  readonly origin: string;
  readonly users: UserFile;
  /** A browser of somebody who may do what the role says, signed in. */
  as(role: Role, name?: string): Promise<Browser>;
  /** Sends a request as it stands. */
  raw(method: string, path: string, headers: Readonly<Record<string, string>>, body?: string | Buffer): Promise<number>;
  stop(): Promise<void>;
}

/** A real gateway, embedded, in this process, on free ports. */
export async function startWebGateway(
  yaml: Readonly<Record<string, unknown>> = {},
  accept: readonly AcceptedDomain[] = [],
): Promise<WebGateway> {
  const folder = await mkdtemp(join(tmpdir(), 'mailyard-web-'));
  const override = (path: readonly (string | number)[], value: unknown) => ({ option: '--test', path, value });
  const loaded = loadSettings(undefined, {}, [
    override(['data'], join(folder, 'data')),
    override(['listeners', 0, 'address'], '127.0.0.1:0'),
    override(['grpc', 'address'], '127.0.0.1:0'),
    override(['http', 'address'], '127.0.0.1:0'),
    ...Object.entries(yaml).map(([key, value]) => override(key.split('.'), value)),
  ]);
  if (loaded.kind !== 'loaded') throw new Error(JSON.stringify(loaded.faults));
  const environment = { TEST_TOKEN_READER: 'r'.repeat(40), TEST_TOKEN_ADMINISTRATOR: 'a'.repeat(40) };
  const logger = createLogger({ level: 'error' });
  const gateway = await startGateway(loaded.settings, { accept, version: 'test', environment, logger });
  const origin = `http://${gateway.http}`;
  const users = new UserFile(join(folder, 'data', 'users.json'));
  return {
    gateway,
    folder,
    origin,
    users,
    async as(role, name = `${role}-of-test`) {
      if (!(await users.users()).has(name)) {
        await users.set(name, role, PASSWORD);
        // The gateway looks at the file once a second.
        for (;;) {
          const answer = await new Browser(origin).post('/session', { name, password: PASSWORD });
          if (answer.status === 200) break;
          await new Promise((resolve) => setTimeout(resolve, 200));
        }
      }
      return new Browser(origin).signIn(name);
    },
    raw(method, path, headers, body) {
      const [host, port] = gateway.http.split(':');
      return new Promise((resolve, reject) => {
        const sent = request({ host, port, path, method, headers }, (answer) => {
          answer.resume();
          answer.on('end', () => resolve(answer.statusCode!));
        });
        sent.on('error', reject);
        sent.end(body);
      });
    },
    async stop() {
      await gateway.stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
