/** Calls the HTTP API as the web page does: signed in, with its cookie and the token of its session. */
export class PageCaller {
  readonly #origin: string;
  readonly #cookie: string;
  readonly #csrfToken: string;
  readonly #tags = new Map<string, string>();

  private constructor(origin: string, cookie: string, csrfToken: string) {
    this.#origin = origin;
    this.#cookie = cookie;
    this.#csrfToken = csrfToken;
  }

  static async signIn(http: string, name: string, password: string): Promise<PageCaller> {
    const origin = `http://${http}`;
    const answer = await fetch(`${origin}/api/v1/session`, {
      method: 'POST',
      headers: { origin, 'content-type': 'application/json' },
      body: JSON.stringify({ name, password }),
    });
    const { csrfToken } = (await answer.json()) as { readonly csrfToken: string };
    return new PageCaller(origin, answer.headers.get('set-cookie')!.split(';', 1)[0]!, csrfToken);
  }

  /** Milliseconds until the whole answer was there. @throws Error when it is none of success */
  async time(call: PageCall): Promise<number> {
    const { method = 'GET', path, body } = call;
    const began = performance.now();
    const tag = this.#tags.get(path);
    const answer = await fetch(`${this.#origin}/api/v1${path}`, {
      method,
      headers: {
        cookie: this.#cookie,
        ...(tag === undefined ? {} : { 'if-none-match': tag }),
        ...(method === 'GET' ? {} : { origin: this.#origin, 'x-csrf-token': this.#csrfToken }),
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await answer.text();
    const took = performance.now() - began;
    if (!answer.ok && answer.status !== 304)
      throw new Error(`${method} ${path}: ${answer.status} ${text.slice(0, 300)}`);
    const newTag = answer.headers.get('etag');
    if (newTag !== null) this.#tags.set(path, newTag);
    return took;
  }
}

export interface PageCall {
  readonly method?: 'GET' | 'POST';
  readonly path: string;
  readonly body?: unknown;
}
