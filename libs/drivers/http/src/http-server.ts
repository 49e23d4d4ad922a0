import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { MtaError } from '@mailyard/mail';

/** Answers one request. What it throws is reported and answered 500, without a word of it. */
export type HttpHandler = (request: IncomingMessage, response: ServerResponse) => void | Promise<void>;

export interface HttpServerOptions {
  readonly host: string;
  /** 0 takes a free one. */
  readonly port: number;
  /** By path, exactly. */
  readonly handlers: ReadonlyMap<string, HttpHandler>;
  /** Gets what a handler threw. */
  readonly report: (error: unknown) => void;
}

export interface HttpServer {
  /** `host:port`, with the port that it got. */
  readonly address: string;
  /** Takes no new connections, and closes those that are open. */
  stop(): Promise<void>;
}

/** On every answer: nothing is run, framed, sniffed or kept. */
const HEADERS = {
  'Content-Security-Policy': "default-src 'none'; frame-ancestors 'none'",
  'X-Content-Type-Options': 'nosniff',
  'Referrer-Policy': 'no-referrer',
  'Cache-Control': 'no-store',
} as const;

const STOP_MS = 1_000;

/**
 * Serves pages that are read: GET and HEAD.
 *
 * @throws MtaError `HTTP_ADDRESS_TAKEN`
 */
export async function startHttpServer({ host, port, handlers, report }: HttpServerOptions): Promise<HttpServer> {
  const server = createServer({ requestTimeout: 30_000, headersTimeout: 10_000, keepAliveTimeout: 5_000 });
  server.on('request', (request, response) => void answer(request, response, handlers, report));
  server.maxConnections = 256;
  await listen(server, host, port);
  const { port: bound } = server.address() as AddressInfo;
  return {
    address: host.includes(':') ? `[${host}]:${bound}` : `${host}:${bound}`,
    stop: () => close(server),
  };
}

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  handlers: HttpServerOptions['handlers'],
  report: HttpServerOptions['report'],
): Promise<void> {
  for (const [name, value] of Object.entries(HEADERS)) response.setHeader(name, value);
  try {
    const path = (request.url ?? '/').split('?', 1)[0]!;
    const handler = handlers.get(path);
    if (handler === undefined) sendText(response, 404, 'not found\n');
    else if (request.method !== 'GET' && request.method !== 'HEAD') {
      response.setHeader('Allow', 'GET, HEAD');
      sendText(response, 405, 'method not allowed\n');
    } else await handler(request, response);
  } catch (error) {
    report(error);
    if (response.headersSent) response.destroy();
    else sendText(response, 500, 'internal error; the log has more\n');
  }
}

/** Sends a short plain text. */
export function sendText(response: ServerResponse, status: number, text: string): void {
  response.writeHead(status, { 'Content-Type': 'text/plain; charset=utf-8' }).end(text);
}

/** Sends a value as JSON. */
export function sendJson(response: ServerResponse, status: number, value: unknown): void {
  response.writeHead(status, { 'Content-Type': 'application/json' }).end(`${JSON.stringify(value)}\n`);
}

function listen(server: Server, host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (error) =>
      reject(
        new MtaError('HTTP_ADDRESS_TAKEN', `HTTP cannot listen on ${host}:${port}: ${error.message}`, { cause: error }),
      ),
    );
    server.listen(port, host, resolve);
  });
}

function close(server: Server): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => server.closeAllConnections(), STOP_MS);
    server.close(() => {
      clearTimeout(timer);
      resolve();
    });
    server.closeIdleConnections();
  });
}
