/** Serves the web page, its API, health and metrics of this process. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { API_PREFIX, type Admin, type AdminOptions, type ConfigurationDesk } from '@mailyard/admin';
import { pageFiles } from '@mailyard/admin-page';
import { Gate } from '@mailyard/grpc';
import {
  type Dependency,
  healthHandlers,
  type HttpHandler,
  type HttpServer,
  pageHandler,
  pathOf,
  startHttpServer,
} from '@mailyard/http';
import { parseEndpoint, type Settings } from '@mailyard/settings';
import type { Logger, Telemetry } from '@mailyard/telemetry';
import { readTokens } from '../grpc-server.ts';
import type { RouteSource } from './routing-role.ts';
import type { Stores } from './stores.ts';

/** What the API is made with, from the settings. */
export function webOptions(
  { http, grpc, data }: Settings,
  desk: ConfigurationDesk,
  environment: Readonly<Record<string, string | undefined>>,
  release: string,
): NonNullable<AdminOptions['web']> {
  return {
    desk,
    release,
    tokens: new Gate(readTokens(grpc.tokens, environment)),
    usersFile: usersFileOf({ http, data }),
    dataFolder: join(data, 'web'),
    isProxied: http.proxied,
  };
}

export function usersFileOf({ http, data }: Pick<Settings, 'http' | 'data'>): string {
  return http.users ?? join(data, 'users.json');
}

/** @throws MtaError `HTTP_ADDRESS_TAKEN` */
export function startHttpRole(
  settings: Settings,
  stores: Stores,
  source: RouteSource,
  admin: Admin | undefined,
  { telemetry, logger }: { readonly telemetry: Telemetry; readonly logger: Logger },
): Promise<HttpServer> {
  const { address, tls } = settings.http;
  const { host, port } = parseEndpoint(address)!;
  const dependencies: Dependency[] = [
    { name: 'routing', check: source.notReady },
    {
      name: 'queue log',
      check: async () => {
        await stores.queueLog.bounds(0);
        return undefined;
      },
    },
    { name: 'body store', check: stores.away },
  ];
  if (admin !== undefined) dependencies.push({ name: 'tracking', check: () => admin.notReady() });
  const report = (error: unknown): void => logger.error('HTTP_FAILED', { error });
  return startHttpServer({
    host,
    port,
    ...(tls === undefined ? {} : { tls: { certificate: readFileSync(tls.certificate), key: readFileSync(tls.key) } }),
    handlers: new Map([
      ...healthHandlers(dependencies),
      ['/metrics', (request, response) => telemetry.metrics.respond(request, response)],
    ]),
    ...(admin?.web === undefined ? {} : { rest: pageAndApi(admin.web.handler, report) }),
    report,
  });
}

function pageAndApi(api: HttpHandler, report: (error: unknown) => void): HttpHandler {
  const files = async (): ReturnType<typeof pageFiles> => {
    try {
      return await pageFiles();
    } catch (error) {
      report(error);
      throw error;
    }
  };
  const page = pageHandler(files);
  return (request, response) => (pathOf(request).startsWith(API_PREFIX) ? api : page)(request, response);
}
