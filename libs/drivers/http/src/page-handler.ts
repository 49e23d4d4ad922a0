import type { IncomingMessage, ServerResponse } from 'node:http';
import { entityTagOf, hasAlready } from './entity-tag.ts';
import { type HttpHandler, isReading, pathOf, refuseMethod, sendText } from './http-server.ts';

/** A file of a page, ready to be sent. */
export interface PageFile {
  readonly contentType: string;
  readonly content: Buffer;
  /** The same, for a browser that takes gzip. */
  readonly gzipped: Buffer;
  /** Its name changes with its content, so that a browser may keep it for good. */
  readonly isImmutable: boolean;
}

/** Scripts, styles and pictures come from here alone, and nothing stands in the page itself (no `unsafe-inline`). */
const POLICY =
  "default-src 'self'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; " +
  "object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'";

const FOR_GOOD = 'public, max-age=31536000, immutable';

/**
 * Serves files by their exact path. Paths are keys, never names in a file system: what is not a key is not there,
 * however it is spelled.
 *
 * @param files asked at each request; a rejection is answered 503
 */
export function pageHandler(files: () => Promise<ReadonlyMap<string, PageFile>>): HttpHandler {
  const tags = new WeakMap<PageFile, string>();
  return async (request, response) => {
    if (!isReading(request)) {
      refuseMethod(response, 'GET, HEAD');
      return;
    }
    let file: PageFile | undefined;
    try {
      file = (await files()).get(pathOf(request));
    } catch {
      sendText(response, 503, 'the page cannot be served now; the log has more\n');
      return;
    }
    if (file === undefined) {
      sendText(response, 404, 'not found\n');
      return;
    }
    const tag = tags.get(file) ?? entityTagOf(file.content);
    tags.set(file, tag);
    sendFile(request, response, file, tag);
  };
}

function sendFile(request: IncomingMessage, response: ServerResponse, file: PageFile, tag: string): void {
  response.setHeader('Content-Security-Policy', POLICY);
  response.setHeader('Permissions-Policy', 'camera=(), geolocation=(), microphone=()');
  response.setHeader('Cache-Control', file.isImmutable ? FOR_GOOD : 'no-cache');
  response.setHeader('ETag', tag);
  response.setHeader('Vary', 'Accept-Encoding');
  if (hasAlready(request, tag)) {
    response.writeHead(304).end();
    return;
  }
  const isGzip = /\bgzip\b(?!\s*;\s*q=0(?:\.0*)?(?:,|\s|$))/.test(request.headers['accept-encoding'] ?? '');
  const content = isGzip ? file.gzipped : file.content;
  response.writeHead(200, {
    'Content-Type': file.contentType,
    'Content-Length': content.length,
    ...(isGzip ? { 'Content-Encoding': 'gzip' } : {}),
  });
  response.end(request.method === 'HEAD' ? undefined : content);
}
