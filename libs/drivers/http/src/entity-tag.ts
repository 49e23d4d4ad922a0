import { createHash } from 'node:crypto';
import type { IncomingMessage } from 'node:http';

/** A weak entity tag of some content (RFC 9110 §8.8.3). */
export function entityTagOf(content: string | Buffer): string {
  return `W/"${createHash('sha256').update(content).digest('base64url').slice(0, 22)}"`;
}

/** Whether the client has what the tag names, by weak comparison (RFC 9110 §13.1.2). */
export function hasAlready({ headers }: IncomingMessage, tag: string): boolean {
  const known = headers['if-none-match'];
  if (known === undefined) return false;
  const bare = (text: string): string => text.trim().replace(/^W\//, '');
  return known.trim() === '*' || known.split(',').some((one) => bare(one) === bare(tag));
}
