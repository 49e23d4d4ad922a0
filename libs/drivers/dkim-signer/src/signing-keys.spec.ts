import { generateKeyPairSync } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { parseSigningKey } from './signing-key.ts';
import { SigningKeys } from './signing-keys.ts';

const ed25519 = (): string =>
  String(generateKeyPairSync('ed25519').privateKey.export({ type: 'pkcs8', format: 'pem' }));

let folder: string;
beforeEach(async () => void (folder = await mkdtemp(join(tmpdir(), 'mailyard-keys-'))));
afterEach(() => rm(folder, { recursive: true }));

describe('parseSigningKey', () => {
  it('reads RSA in both notations, and Ed25519', () => {
    const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 1024 });
    for (const type of ['pkcs1', 'pkcs8'] as const)
      expect(parseSigningKey(String(privateKey.export({ type, format: 'pem' })))).toMatchObject({
        algorithm: 'rsa-sha256',
        bits: 1024,
      });
    expect(parseSigningKey(ed25519()).publicKey).toHaveLength(44);
  });

  it('refuses what signs nothing that anybody takes, without showing it (RFC 8301 §3.2, R153)', () => {
    const short = generateKeyPairSync('rsa', { modulusLength: 512 }).privateKey;
    const other = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const locked = { type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: 'x' } as const;
    const faults: [string | Buffer, RegExp][] = [
      [short.export({ type: 'pkcs8', format: 'pem' }), /RSA of 512 bits/],
      [other.privateKey.export({ type: 'pkcs8', format: 'pem' }), /its kind is ec/],
      [other.publicKey.export({ type: 'spki', format: 'pem' }), /no private key in PEM/],
      [generateKeyPairSync('ed25519').privateKey.export(locked), /passphrase/],
      ['secret words', /no private key in PEM/],
    ];
    for (const [text, fault] of faults) {
      expect(() => parseSigningKey(String(text))).toThrow(fault);
      expect(() => parseSigningKey(String(text))).not.toThrow(/secret words|MII/);
    }
  });
});

describe('SigningKeys', () => {
  it('reads a key once, a new one within its time, and keeps the last while there is none', async () => {
    let now = 0;
    const told: unknown[] = [];
    const keys = new SigningKeys(
      {},
      (...words) => told.push(words),
      () => now,
    );
    const file = join(folder, 'key.pem');
    const profile = { name: 'p', key: { kind: 'file', file } } as const;
    expect(await keys.of(profile)).toBeUndefined();
    expect(told).toEqual([['p', `the file ${file} cannot be read (ENOENT)`]]);

    const first = ed25519();
    await writeFile(file, first);
    expect(await keys.of(profile), 'not looked at again yet').toBeUndefined();
    now += 1_000;
    const key = await keys.of(profile);
    expect(key?.publicKey).toBe(parseSigningKey(first).publicKey);
    expect(told[1]).toEqual(['p', undefined]);
    expect(keys.of(profile)).toBe(key);

    const second = ed25519();
    await writeFile(file, second);
    now += 1_000;
    expect(keys.of(profile), 'nobody waits for a look').toBe(key);
    await expect.poll(() => (keys.of(profile) as typeof key)?.publicKey).toBe(parseSigningKey(second).publicKey);

    await writeFile(file, 'half a k');
    now += 1_000;
    void keys.of(profile);
    await expect.poll(() => (keys.of(profile), told.length)).toBe(3);
    expect(told[2]).toEqual(['p', expect.stringContaining('no private key')]);
    expect((keys.of(profile) as typeof key)?.publicKey).toBe(parseSigningKey(second).publicKey);
    void keys.of(profile);
    expect(told, 'told once').toHaveLength(3);
  });

  it('reads keys of variables, and tells each profile of one that is away', async () => {
    const told: string[] = [];
    const keys = new SigningKeys({ KEY: ed25519() }, (profile) => told.push(profile));
    const reference = (variable: string) => ({ kind: 'environment', variable }) as const;
    expect(await keys.of({ name: 'a', key: reference('KEY') })).toMatchObject({ algorithm: 'ed25519-sha256' });
    expect(await keys.of({ name: 'b', key: reference('NONE') })).toBeUndefined();
    expect(await keys.of({ name: 'c', key: reference('NONE') })).toBeUndefined();
    expect(told).toEqual(['b', 'c']);
  });
});
