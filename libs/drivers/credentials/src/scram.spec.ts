import { describe, expect, it } from 'vitest';
import {
  decoyKeys,
  isPasswordOf,
  isProof,
  keysOf,
  makeScramKeys,
  printScramKeys,
  proofOf,
  readScramKeys,
  saltPassword,
  signatureOf,
} from './scram.ts';

describe('SCRAM-SHA-256', () => {
  it('comes to what the example of RFC 7677 §3 shows', async () => {
    const salt = Buffer.from('W22ZaJ0SNY7soEsUEjb6gQ==', 'base64');
    const { clientKey, storedKey, serverKey } = keysOf(await saltPassword('pencil', salt, 4096));
    const authMessage =
      'n=user,r=rOprNGfwEbeRWgbNEkqO,' +
      'r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096,' +
      'c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0';
    const proof = proofOf(clientKey, storedKey, authMessage);
    expect(proof.toString('base64')).toBe('dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=');
    expect(signatureOf(serverKey, authMessage).toString('base64')).toBe('6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=');
    const keys = { iterations: 4096, salt, storedKey, serverKey };
    expect(isProof(proof, keys, authMessage)).toBe(true);
    expect(isProof(proof, keys, `${authMessage}x`)).toBe(false);
    expect(isProof(proof.subarray(1), keys, authMessage)).toBe(false);
    // What was stolen from the server is no proof.
    expect(isProof(storedKey, keys, authMessage)).toBe(false);
  });

  it('keys fit their password alone, in any way of writing the same letters, and outlive being kept', async () => {
    const keys = await makeScramKeys('Caf\u00E9 horse battery');
    const kept = printScramKeys(keys);
    expect(kept).not.toContain('horse');
    expect(readScramKeys(kept)).toEqual(keys);
    expect(await isPasswordOf(keys, 'Cafe\u0301 horse battery')).toBe(true);
    expect(await isPasswordOf(keys, 'cafe horse battery')).toBe(false);
    expect((await makeScramKeys('Caf\u00E9 horse battery')).salt).not.toEqual(keys.salt);
  });

  it.each([
    '',
    'SCRAM-SHA-256',
    'scrypt$32768$8$3$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA',
    `SCRAM-SHA-256$1000:AAAA$${'A'.repeat(43)}=:${'A'.repeat(43)}=`,
    `SCRAM-SHA-256$9999999:AAAA$${'A'.repeat(43)}=:${'A'.repeat(43)}=`,
    `SCRAM-SHA-256$4096:AAAA$${'A'.repeat(42)}=:${'A'.repeat(43)}=`,
  ])('takes no keys that are none, too cheap or too dear: %s', (text) => {
    expect(readScramKeys(text)).toBeUndefined();
  });

  it('decoys are the same for a name, others for another, and look like keys', () => {
    const secret = Buffer.alloc(32, 1);
    expect(decoyKeys('bob', secret)).toEqual(decoyKeys('bob', secret));
    expect(decoyKeys('bob', secret).salt).not.toEqual(decoyKeys('ann', secret).salt);
    expect(readScramKeys(printScramKeys(decoyKeys('bob', secret)))).toEqual(decoyKeys('bob', secret));
  });
});
