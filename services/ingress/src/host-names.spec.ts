import type { HostNames } from '@mailyard/access';
import type { Domain } from '@mailyard/mail';
import { describe, expect, it } from 'vitest';
import { verifiedNames } from './host-names.ts';

const dns = (names: readonly string[], addresses: Readonly<Record<string, readonly string[]>>): HostNames => ({
  namesOf: async () => names as readonly Domain[],
  addressesOf: async (name) => addresses[name] ?? [],
});

describe('the verified names of a client', () => {
  it('are those that lead back to it, in whatever form the address is written (R123)', async () => {
    const names = dns(['a.test', 'b.test', 'c.test'], {
      'a.test': ['192.0.2.9'],
      'b.test': ['192.0.2.1', '2001:DB8:0::1'],
    });
    expect(await verifiedNames(names, '2001:db8::1')).toEqual(['b.test']);
    expect(await verifiedNames(names, '192.0.2.9')).toEqual(['a.test']);
    expect(await verifiedNames(names, '192.0.2.3')).toEqual([]);
  });

  it('are none where the DNS fails or takes too long, and never more than ten are looked at (R123)', async () => {
    const failing: HostNames = {
      namesOf: () => Promise.reject(new Error('x')),
      addressesOf: () => Promise.resolve([]),
    };
    expect(await verifiedNames(failing, '192.0.2.1')).toEqual([]);
    const silent: HostNames = { namesOf: () => new Promise(() => undefined), addressesOf: async () => [] };
    expect(await verifiedNames(silent, '192.0.2.1', 10)).toEqual([]);
    let asked = 0;
    const many: HostNames = {
      namesOf: async () => Array.from({ length: 500 }, (_, n) => `h${n}.test` as Domain),
      addressesOf: async () => {
        asked += 1;
        return [];
      },
    };
    await verifiedNames(many, '192.0.2.1');
    expect(asked).toBe(10);
  });

  it('are those that were verified in time where others were not (R123)', async () => {
    const half: HostNames = {
      namesOf: async () => ['a.test', 'b.test'] as readonly string[] as readonly Domain[],
      addressesOf: (name) => (name === 'a.test' ? Promise.resolve(['192.0.2.1']) : new Promise(() => undefined)),
    };
    expect(await verifiedNames(half, '192.0.2.1', 50)).toEqual(['a.test']);
  });
});
