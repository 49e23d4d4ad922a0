import { describe, expect, it } from 'vitest';
import { familiesOfGateway, sourceAddressesOf } from './virtual-gateway.ts';

const BOTH = { name: 'bulk', addresses: ['192.0.2.1', '2001:db8::1', '192.0.2.2'] };

describe('the source addresses of a virtual gateway (R147)', () => {
  it('are of the family of the host, and take turns', () => {
    expect(sourceAddressesOf(BOTH, '198.51.100.1', 0)).toEqual(['192.0.2.1', '192.0.2.2']);
    expect(sourceAddressesOf(BOTH, '198.51.100.1', 1)).toEqual(['192.0.2.2', '192.0.2.1']);
    expect(sourceAddressesOf(BOTH, '198.51.100.1', 2)).toEqual(['192.0.2.1', '192.0.2.2']);
    expect(sourceAddressesOf(BOTH, '2001:db8::99', 5)).toEqual(['2001:db8::1']);
  });

  it("are never of the other family, nor the machine's own choice instead", () => {
    const four = { name: 'four', addresses: ['192.0.2.1'] };
    expect(sourceAddressesOf(four, '2001:db8::99', 3)).toEqual([]);
    expect(familiesOfGateway(four)).toEqual(new Set(['IPv4']));
    expect(familiesOfGateway(BOTH)).toEqual(new Set(['IPv4', 'IPv6']));
  });

  it('are left to the machine where there is no gateway, or it names none', () => {
    const named = { name: 'named', heloName: 'a.example', addresses: [] };
    for (const gateway of [undefined, named])
      expect(sourceAddressesOf(gateway, '198.51.100.1', 0)).toEqual([undefined]);
    expect(familiesOfGateway(named)).toBeUndefined();
  });
});
