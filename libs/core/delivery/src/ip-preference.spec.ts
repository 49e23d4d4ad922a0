import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { IP_PREFERENCES, type IpPreference, orderAddresses } from './ip-preference.ts';

const BOTH = ['192.0.2.1', '2001:db8::1', '192.0.2.2', '2001:db8::2'];

describe('the order of addresses (R142)', () => {
  it.each([
    ['preferV6', ['2001:db8::1', '2001:db8::2', '192.0.2.1', '192.0.2.2']],
    ['requireV6', ['2001:db8::1', '2001:db8::2']],
    ['preferV4', ['192.0.2.1', '192.0.2.2', '2001:db8::1', '2001:db8::2']],
    ['requireV4', ['192.0.2.1', '192.0.2.2']],
  ] as const)('%s', (preference, expected) => {
    expect(orderAddresses(BOTH, preference)).toEqual(expected);
  });

  it('is that of a sort which is stable, after what is not allowed was left out', () => {
    const address = fc.oneof(fc.ipV4(), fc.ipV6());
    const reachable = fc.option(fc.uniqueArray(fc.constantFrom('IPv4' as const, 'IPv6' as const)), { nil: undefined });
    fc.assert(
      fc.property(fc.array(address), fc.constantFrom(...IP_PREFERENCES), reachable, (addresses, preference, some) => {
        const left = addresses.filter((one) => some === undefined || some.includes(/:/.test(one) ? 'IPv6' : 'IPv4'));
        expect(orderAddresses(addresses, preference, some && new Set(some))).toEqual(sorted(left, preference));
      }),
    );
  });
});

/** The same rule, said another way. */
function sorted(addresses: readonly string[], preference: IpPreference): string[] {
  const best = preference.endsWith('6') ? 6 : 4;
  const rank = (address: string): number => ((/:/.test(address) ? 6 : 4) === best ? 0 : 1);
  const allowed = preference.startsWith('require') ? addresses.filter((one) => rank(one) === 0) : [...addresses];
  return allowed.sort((a, b) => rank(a) - rank(b));
}
