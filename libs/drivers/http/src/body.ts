import type { IncomingMessage } from 'node:http';

/** Why a body was not taken; `cut`: the client ended before its body did. */
export type BodyRefusal = 'tooLarge' | 'encoded' | 'cut';

/**
 * Reads the body of a request.
 *
 * What is larger than the limit is not read: whoever answers must close the connection. A compressed body is refused,
 * since a small one may stand for a large one.
 *
 * @param limit in octets
 */
export async function readBody(request: IncomingMessage, limit: number): Promise<Buffer | BodyRefusal> {
  if (request.headers['content-encoding'] !== undefined) return 'encoded';
  if (Number(request.headers['content-length'] ?? 0) > limit) return 'tooLarge';
  const pieces: Buffer[] = [];
  let octets = 0;
  try {
    for await (const piece of request as AsyncIterable<Buffer>) {
      octets += piece.length;
      if (octets > limit) return 'tooLarge';
      pieces.push(piece);
    }
  } catch {
    return 'cut';
  }
  return Buffer.concat(pieces, octets);
}
