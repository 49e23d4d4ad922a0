import type { HttpHandler } from './http-server.ts';
import { sendJson, sendText } from './http-server.ts';

/** Something that the process needs to take or deliver mail. */
export interface Dependency {
  readonly name: string;
  /** What is wrong with it, in words; undefined when nothing is. A rejection is something wrong. */
  readonly check: () => string | undefined | Promise<string | undefined>;
}

/** A check that takes longer than this has failed. */
const CHECK_MS = 2_000;

/**
 * `/healthz`: 200 while the process answers at all. `/readyz`: 200 when every dependency is well, else 503; the answer
 * names each: `{"ready": false, "dependencies": {"queue log": {"ready": false, "detail": "…"}}}`.
 */
export function healthHandlers(dependencies: readonly Dependency[]): ReadonlyMap<string, HttpHandler> {
  return new Map<string, HttpHandler>([
    ['/healthz', (_request, response) => sendText(response, 200, 'ok\n')],
    [
      '/readyz',
      async (_request, response) => {
        const results = await Promise.all(dependencies.map(async (one) => [one.name, await problemOf(one)] as const));
        const ready = results.every(([, problem]) => problem === undefined);
        const named = results.map(([name, problem]) => [
          name,
          problem === undefined ? { ready: true } : { ready: false, detail: problem },
        ]);
        sendJson(response, ready ? 200 : 503, { ready, dependencies: Object.fromEntries(named) });
      },
    ],
  ]);
}

async function problemOf({ check }: Dependency): Promise<string | undefined> {
  const late = Promise.withResolvers<string>();
  const timer = setTimeout(() => late.resolve(`no answer in ${CHECK_MS} ms`), CHECK_MS);
  try {
    return await Promise.race([check(), late.promise]);
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  } finally {
    clearTimeout(timer);
  }
}
