import type { NetworkInterfaceInfo } from 'node:os';
import { describe, expect, it } from 'vitest';
import { reachableAddress } from './reachable-address.ts';

const at = (address: string, internal = false) =>
  ({ address, internal, family: address.includes(':') ? 'IPv6' : 'IPv4' }) as NetworkInterfaceInfo;

describe('reachableAddress', () => {
  const interfaces = {
    lo: [at('127.0.0.1', true), at('::1', true)],
    eth0: [at('fe80::1'), at('2001:db8::5'), at('192.0.2.7')],
  };

  it.each([
    ['127.0.0.1:50051', '127.0.0.1:50051'],
    ['192.0.2.9:50051', '192.0.2.9:50051'],
    ['0.0.0.0:50051', '192.0.2.7:50051'],
    ['[::]:50051', '192.0.2.7:50051'],
  ])('of %s is %s', (bound, reachable) => {
    expect(reachableAddress(bound, interfaces)).toBe(reachable);
  });

  it('is of IPv6 where there is nothing else, and as it is where there is nothing at all', () => {
    expect(reachableAddress('[::]:1', { eth0: [at('fe80::1'), at('2001:db8::5')] })).toBe('[2001:db8::5]:1');
    expect(reachableAddress('0.0.0.0:1', { lo: [at('127.0.0.1', true)] })).toBe('0.0.0.0:1');
  });
});
