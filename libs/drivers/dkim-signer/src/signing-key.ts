import { createPrivateKey, createPublicKey, type KeyObject } from 'node:crypto';
import type { DkimAlgorithm } from '@mailyard/dkim';

/** A private key that may sign. */
export interface SigningKey {
  readonly algorithm: DkimAlgorithm;
  readonly key: KeyObject;
  /** Of its modulus; of Ed25519 what it is always. */
  readonly bits: number;
  /** The public key as records in the DNS have it, in base64. */
  readonly publicKey: string;
}

/** Shorter ones are taken for no signature by anyone (RFC 8301 §3.2). */
const FEWEST_BITS = 1024;
/** What signers should use (RFC 8301 §3.2). */
export const EXPECTED_BITS = 2048;

/**
 * Reads a private key.
 *
 * @param pem PKCS#8 or PKCS#1, not encrypted
 * @throws Error that says what is wrong with it, without its text
 */
export function parseSigningKey(pem: string): SigningKey {
  let key: KeyObject;
  try {
    key = createPrivateKey(pem);
  } catch {
    throw new Error('it is no private key in PEM, or one with a passphrase');
  }
  const spki = createPublicKey(key).export({ type: 'spki', format: 'der' });
  if (key.asymmetricKeyType === 'ed25519') {
    // The last 32 octets are the key itself (RFC 8410 §4).
    return { algorithm: 'ed25519-sha256', key, bits: 256, publicKey: spki.subarray(-32).toString('base64') };
  }
  if (key.asymmetricKeyType !== 'rsa') throw new Error(`its kind is ${key.asymmetricKeyType}, not RSA or Ed25519`);
  const bits = key.asymmetricKeyDetails?.modulusLength ?? 0;
  if (bits < FEWEST_BITS) throw new Error(`it is RSA of ${bits} bits, and below ${FEWEST_BITS} nobody takes it`);
  return { algorithm: 'rsa-sha256', key, bits, publicKey: spki.toString('base64') };
}
