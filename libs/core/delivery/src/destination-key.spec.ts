import type { Domain } from '@mailyard/mail';
import type { DestinationHost, RouteTarget } from '@mailyard/smtp-routes';
import { describe, expect, it } from 'vitest';
import { destinationKey } from './destination-key.ts';

const EXAMPLE = 'example.com' as Domain;
const A: DestinationHost = { lookup: 'mx', host: 'a.example', port: 25, priority: 0 };
const B: DestinationHost = { lookup: 'mx', host: 'b.example', port: 25, priority: 0 };

function keyOf(hosts: readonly DestinationHost[], authProfile?: string): string | undefined {
  const target: RouteTarget = { kind: 'hosts', hosts, ...(authProfile === undefined ? {} : { authProfile }) };
  return destinationKey(target, EXAMPLE, 'destination');
}

describe('a destination key', () => {
  it('is the same for all domains behind the same hosts, in whatever order they stand (R103)', () => {
    const target: RouteTarget = { kind: 'hosts', hosts: [A, B] };
    expect(destinationKey(target, 'other.example' as Domain, 'destination')).toBe(keyOf([B, A]));
  });

  it('tells apart what differs in port, priority, brackets or profile (R103, R153)', () => {
    const keys = [
      keyOf([A]),
      keyOf([{ ...A, port: 26 }]),
      keyOf([{ ...A, priority: 1 }]),
      keyOf([{ ...A, lookup: 'name' }]),
      keyOf([A], 'edge'),
      keyOf([A], 'other'),
    ];
    expect(new Set(keys).size).toBe(keys.length);
  });

  it('is the recipient domain without an entry and for USEDNS (R103)', () => {
    expect(destinationKey({ kind: 'usedns' }, EXAMPLE, 'destination')).toBe('example.com');
  });

  it('keeps domains apart when batching is by domain (R102)', () => {
    const target: RouteTarget = { kind: 'hosts', hosts: [A] };
    expect(destinationKey(target, EXAMPLE, 'domain')).not.toBe(
      destinationKey(target, 'other.example' as Domain, 'domain'),
    );
  });

  it('is nothing for /dev/null', () => {
    expect(destinationKey({ kind: 'null' }, EXAMPLE, 'destination')).toBeUndefined();
  });
});
