import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import { MtaError } from '@mailyard/mail';

/** Answers one request. What it throws is reported and answered 500, without a word of it. */
export type HttpHandler = (request: IncomingMessage, response: ServerResponse) => void | Promise<void>;

export interface HttpServerOptions {
  readonly host: string;
  /** 0 takes a free one. */
  readonly port: number;
  /** Contents of PEM files; absent: in clear. */
  readonly tls?: { readonly certificate: Buffer; readonly key: Buffer };
  /** By path, exactly; for those who read (GET and HEAD). */
  readonly handlers: ReadonlyMap<string, HttpHandler>;
  /** Answers whatever none of the handlers has, in any method; absent: 404. */
  readonly rest?: HttpHandler;
  /** Gets what a handler threw. */
  readonly report: (error: unknown) => void;
}

export interface HttpServer {
  /** `host:port`, with the port that it got. */
  readonly address: string;
  /** Takes no new connections, and closes those that are open. */
  stop(): Promise<void>;
}

/** On every answer unless a handler says otherwise: nothing is run, framed, sniffed or kept. */
const HEADERS = {
  'Content-Security-Policy': "default-src 'none'; frame-ancestors 'none'",
  'X-Content-Type-Options': 'nosniff',
  'X-Frame-Options': 'DENY',
  'Referrer-Policy': 'no-referrer',
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Resource-Policy': 'same-origin',
  'Cache-Control': 'no-store',
} as const;

const STOP_MS = 1_000;

/** A request, its body included, must be here within so long: slow senders hold a connection no longer. */
const TIMEOUTS = {
  requestTimeout: 60_000,
  headersTimeout: 10_000,
  keepAliveTimeout: 5_000,
  connectionsCheckingInterval: 5_000,
} as const;
const MOST_CONNECTIONS = 256;

/**
 * Starts a server for pages, their interface, health and metrics.
 *
 * @throws MtaError `HTTP_ADDRESS_TAKEN`
 */
export async function startHttpServer(options: HttpServerOptions): Promise<HttpServer> {
  const { host, port, tls } = options;
  const server: Server =
    tls === undefined
      ? createServer(TIMEOUTS)
      : createTlsServer({ ...TIMEOUTS, cert: tls.certificate, key: tls.key, minVersion: 'TLSv1.2' });
  server.on('request', (request, response) => void answer(request, response, options));
  boundConnections(server);
  await listen(server, host, port);
  const { port: bound } = server.address() as AddressInfo;
  return {
    address: host.includes(':') ? `[${host}]:${bound}` : `${host}:${bound}`,
    stop: () => close(server),
  };
}

/**
 * Keeps room for who comes: when there is none, the connection is closed that has waited longest without a whole request, so
 * that nobody shuts others out, `/healthz` among them, with connections over which little or nothing is said.
 */
function boundConnections(server: Server): void {
  let connections = 0;
  const waiting = new Map<string, Socket>();
  server.on('connection', (socket: Socket) => {
    const name = nameOf(socket);
    connections += 1;
    waiting.set(name, socket);
    socket.once('close', () => {
      connections -= 1;
      waiting.delete(name);
    });
    if (connections <= MOST_CONNECTIONS) return;
    for (const [longest, other] of waiting) {
      waiting.delete(longest);
      other.destroy();
      break;
    }
  });
  server.on('request', (request, response) => {
    // Over TLS it is another socket than that of the connection.
    const name = nameOf(request.socket);
    const socket = waiting.get(name);
    if (socket === undefined) return;
    request.once('end', () => waiting.delete(name));
    response.once('close', () => {
      waiting.delete(name);
      if (!socket.destroyed) waiting.set(name, socket);
    });
    if (!hasBody(request)) waiting.delete(name);
  });
}

function nameOf({ remoteAddress, remotePort }: Socket): string {
  return `${remoteAddress} ${remotePort}`;
}

function hasBody({ headers }: IncomingMessage): boolean {
  return headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0;
}

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  { handlers, rest, report, tls }: HttpServerOptions,
): Promise<void> {
  for (const [name, value] of Object.entries(HEADERS)) response.setHeader(name, value);
  if (tls !== undefined) response.setHeader('Strict-Transport-Security', 'max-age=31536000');
  try {
    const handler = handlers.get(pathOf(request));
    if (handler !== undefined) {
      if (isReading(request)) await handler(request, response);
      else refuseMethod(response, 'GET, HEAD');
    } else if (rest !== undefined) await rest(request, response);
    else sendText(response, 404, 'not found\n');
  } catch (error) {
    report(error);
    if (response.headersSent) response.destroy();
    else sendText(response, 500, 'internal error; the log has more\n');
  }
}

/** The path of a request as it came, without its query: nothing in it is decoded. */
export function pathOf(request: IncomingMessage): string {
  return (request.url ?? '/').split('?', 1)[0]!;
}

export function isReading({ method }: IncomingMessage): boolean {
  return method === 'GET' || method === 'HEAD';
}

/** Answers 405. */
export function refuseMethod(response: ServerResponse, allowed: string): void {
  response.setHeader('Allow', allowed);
  sendText(response, 405, 'method not allowed\n');
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
