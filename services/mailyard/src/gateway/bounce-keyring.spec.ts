import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { BounceKey } from '@mailyard/configuration';
import { onMailEvent } from '@mailyard/telemetry';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { BounceKeyring } from './bounce-keyring.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'mailyard-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

const variable = (number: number, name: string): BounceKey => ({
  number,
  secret: { kind: 'environment', variable: name },
});

describe('the keys of bounce verification (R140)', () => {
  it('sign with HMAC-SHA-1, its first 24 bits (draft-levine-smtp-batv §4)', () => {
    const keyring = new BounceKeyring(() => [variable(1, 'KEY')], { KEY: 'Jefe' });
    // RFC 2202 §3, test case 2.
    expect(keyring.sign(1, 'what do ya want for nothing?')).toBe('EFFCDF');
    expect(keyring.sign(2, 'what do ya want for nothing?')).toBeUndefined();
    expect(keyring).toMatchObject({ isThere: true, signing: 1 });
    expect(new BounceKeyring(() => [], {})).toMatchObject({ isThere: false, signing: undefined });
  });

  it('follow the configuration: the first signs, and what was taken away is unknown', () => {
    let keys = [variable(1, 'A'), variable(2, 'B')];
    const keyring = new BounceKeyring(() => keys, { A: 'a', B: 'b' });
    const signed = keyring.sign(2, 'x');
    keys = [variable(2, 'B')];
    expect(keyring.signing).toBe(2);
    expect(keyring.sign(2, 'x')).toBe(signed);
    expect(keyring.sign(1, 'x')).toBeUndefined();
  });

  it('tell by one alarm of a secret that cannot be read, until it can, and see another one after a while', () => {
    const file = join(folder, 'key');
    const alarms: string[] = [];
    const stop = onMailEvent((event) => {
      if (event.kind === 'alarm') alarms.push(`${event.name} ${event.detail}`);
    });
    let now = 0;
    const keyring = new BounceKeyring(
      () => [{ number: 7, secret: { kind: 'file', file } }],
      {},
      () => now,
    );
    expect(keyring.sign(7, 'x')).toBeUndefined();
    now += 5_000;
    expect(keyring.signing).toBeUndefined();
    expect(alarms).toEqual([expect.stringMatching(/^bounce-key key 7: .*cannot be read/)]);
    writeFileSync(file, 'one\n');
    now += 5_000;
    const first = keyring.sign(7, 'x');
    expect(first).toMatch(/^[0-9A-F]{6}$/);
    writeFileSync(file, 'two\n');
    expect(keyring.sign(7, 'x')).toBe(first);
    now += 60_000;
    expect(keyring.sign(7, 'x')).toMatch(/^[0-9A-F]{6}$/);
    expect(keyring.sign(7, 'x')).not.toBe(first);
    rmSync(file);
    now += 60_000;
    expect(keyring.sign(7, 'x')).toBeUndefined();
    expect(alarms).toHaveLength(2);
    stop();
  });
});
