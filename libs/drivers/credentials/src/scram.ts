/**
 * What both sides of SCRAM-SHA-256 calculate, and the keys that a server keeps in place of a password. Without channel
 * binding. Names and passwords are normalised by NFKC, which is what SASLprep comes to for all but exotic ones.
 *
 * @see RFC 5802 §3, RFC 7677
 */
import { createHash, createHmac, pbkdf2, randomBytes, timingSafeEqual } from 'node:crypto';
import { promisify } from 'node:util';

/** What a server keeps of a password: nobody can sign in with it, but it allows guesses to be tried, so it is a secret too. */
export interface ScramKeys {
  readonly iterations: number;
  readonly salt: Buffer;
  readonly storedKey: Buffer;
  readonly serverKey: Buffer;
}

/** Of new keys: some hundredths of a second of one thread for each guess (RFC 7677 §4 wants 4096 at least). */
const ITERATIONS = 100_000;
const FEWEST_ITERATIONS = 4_096;
const MOST_ITERATIONS = 1_000_000;
const SALT_OCTETS = 16;
const FORM = /^SCRAM-SHA-256\$(\d{4,7}):([A-Za-z0-9+/]{4,88}={0,2})\$([A-Za-z0-9+/]{43}=):([A-Za-z0-9+/]{43}=)$/;

const derive = promisify(pbkdf2);

export function normalise(text: string): string {
  return text.normalize('NFKC');
}

/** `SaltedPassword` of RFC 5802; takes its time in the thread pool. */
export function saltPassword(password: string, salt: Uint8Array, iterations: number): Promise<Buffer> {
  return derive(normalise(password), salt, iterations, 32, 'sha256');
}

/** `ClientKey`, its hash `StoredKey`, and `ServerKey` of a salted password. */
export function keysOf(salted: Buffer): {
  readonly clientKey: Buffer;
  readonly storedKey: Buffer;
  readonly serverKey: Buffer;
} {
  const clientKey = hmac(salted, 'Client Key');
  return { clientKey, storedKey: sha256(clientKey), serverKey: hmac(salted, 'Server Key') };
}

/** `ClientProof`; with a proof in place of the client key, the client key again. */
export function proofOf(clientKey: Buffer, storedKey: Buffer, authMessage: string): Buffer {
  const proof = hmac(storedKey, authMessage);
  for (let i = 0; i < proof.length; i++) proof[i] = proof[i]! ^ clientKey[i]!;
  return proof;
}

/** `ServerSignature`: shows that the server has the keys. */
export function signatureOf(serverKey: Buffer, authMessage: string): Buffer {
  return hmac(serverKey, authMessage);
}

/** Whether a client that sent this proof knows the password. */
export function isProof(proof: Buffer, { storedKey }: ScramKeys, authMessage: string): boolean {
  return proof.length === storedKey.length && isSame(sha256(proofOf(proof, storedKey, authMessage)), storedKey);
}

/** Whether a password is the one that the keys were made of; takes its time in the thread pool. */
export async function isPasswordOf({ salt, iterations, storedKey }: ScramKeys, password: string): Promise<boolean> {
  return isSame(keysOf(await saltPassword(password, salt, iterations)).storedKey, storedKey);
}

export async function makeScramKeys(password: string): Promise<ScramKeys> {
  const salt = randomBytes(SALT_OCTETS);
  const { storedKey, serverKey } = keysOf(await saltPassword(password, salt, ITERATIONS));
  return { iterations: ITERATIONS, salt, storedKey, serverKey };
}

/**
 * Keys that fit no password, for a name that nobody has: the same for the same name and secret, so that who asks twice
 * cannot tell that nobody has it (RFC 5802 §5.1).
 */
export function decoyKeys(name: string, secret: Uint8Array, iterations = ITERATIONS): ScramKeys {
  const make = (what: string): Buffer => createHmac('sha256', secret).update(`${what}\0${name}`).digest();
  const salt = make('salt').subarray(0, SALT_OCTETS);
  return { iterations, salt, storedKey: make('stored key'), serverKey: make('server key') };
}

/** Keys as they are kept: `SCRAM-SHA-256$iterations:salt$StoredKey:ServerKey`, as PostgreSQL keeps them too. */
export function printScramKeys({ iterations, salt, storedKey, serverKey }: ScramKeys): string {
  const [one, two, three] = [salt, storedKey, serverKey].map((octets) => octets.toString('base64'));
  return `SCRAM-SHA-256$${iterations}:${one}$${two}:${three}`;
}

/** @returns undefined where the text is no such thing, or costs too little or too much to check */
export function readScramKeys(text: string): ScramKeys | undefined {
  const match = FORM.exec(text);
  if (match === null) return undefined;
  const iterations = Number(match[1]);
  if (iterations < FEWEST_ITERATIONS || iterations > MOST_ITERATIONS) return undefined;
  const [salt, storedKey, serverKey] = match.slice(2).map((octets) => Buffer.from(octets, 'base64'));
  return { iterations, salt: salt!, storedKey: storedKey!, serverKey: serverKey! };
}

/** In a time that does not tell where they differ. */
export function isSame(a: Buffer, b: Buffer): boolean {
  return a.length === b.length && timingSafeEqual(a, b);
}

function hmac(key: Buffer, text: string): Buffer {
  return createHmac('sha256', key).update(text).digest();
}

function sha256(octets: Buffer): Buffer {
  return createHash('sha256').update(octets).digest();
}
