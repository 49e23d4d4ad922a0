import { randomBytes, scrypt, timingSafeEqual } from 'node:crypto';
import { promisify } from 'node:util';

/** OWASP's cost for scrypt: 32 MiB and about a tenth of a second, outside the event loop. */
const COST = { N: 32_768, r: 8, p: 3 } as const;
const MOST_MEMORY = 64 * 1024 * 1024;
const KEY_OCTETS = 32;
const FORM = /^scrypt\$(\d{1,7})\$(\d{1,2})\$(\d{1,2})\$([A-Za-z0-9_-]{22,64})\$([A-Za-z0-9_-]{43})$/;

const derive = promisify<string, Buffer, number, { N: number; r: number; p: number; maxmem: number }, Buffer>(scrypt);

/** A password as it is kept: `scrypt$N$r$p$salt$hash`, the last two in base64url. */
export async function hashPassword(password: string): Promise<string> {
  const salt = randomBytes(16);
  const { N, r, p } = COST;
  const key = await derive(password.normalize('NFKC'), salt, KEY_OCTETS, { ...COST, maxmem: MOST_MEMORY });
  return `scrypt$${N}$${r}$${p}$${salt.toString('base64url')}$${key.toString('base64url')}`;
}

export function isPasswordHash(text: string): boolean {
  const match = FORM.exec(text);
  if (match === null) return false;
  const [N, r, p] = [Number(match[1]), Number(match[2]), Number(match[3])];
  return N >= 16_384 && (N & (N - 1)) === 0 && r >= 1 && p >= 1 && N * r * 128 < MOST_MEMORY;
}

/**
 * Whether a password is the one that was hashed. Without a hash it takes as long, and the answer is no: who asks cannot
 * tell a name that does not exist.
 */
export async function isPassword(password: string, hash: string | undefined): Promise<boolean> {
  const match = FORM.exec(hash ?? NOBODY)!;
  const salt = Buffer.from(match[4]!, 'base64url');
  const cost = { N: Number(match[1]), r: Number(match[2]), p: Number(match[3]), maxmem: MOST_MEMORY };
  const key = await derive(password.normalize('NFKC'), salt, KEY_OCTETS, cost);
  return timingSafeEqual(key, Buffer.from(match[5]!, 'base64url')) && hash !== undefined;
}

const NOBODY = `scrypt$${COST.N}$${COST.r}$${COST.p}$${'A'.repeat(22)}$${'A'.repeat(43)}`;
