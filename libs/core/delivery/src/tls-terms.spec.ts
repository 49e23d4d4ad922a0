import { describe, expect, it } from 'vitest';
import type { Domain } from '@mailyard/mail';
import { DEFAULT_ROUTE_RULES, readRoute, readRouteLine, type RouteTarget } from '@mailyard/smtp-routes';
import { certificateNames } from './tls-terms.ts';
import { demandsTls, judgesCertificate } from './tls-use.ts';

function targetOf(destinations: string): RouteTarget {
  const read = readRoute(readRouteLine(`example.com ${destinations}`)!, DEFAULT_ROUTE_RULES);
  if (!('route' in read)) throw new Error(destinations);
  return read.route.target;
}

describe('the names of a certificate that is judged (R144)', () => {
  const domain = 'example.com' as Domain;
  const names = (
    destinations: string,
    terms: { row?: string } = {},
    batchBy: 'destination' | 'domain' = 'destination',
  ) => certificateNames(targetOf(destinations), domain, batchBy, terms);

  it('are those in the route whose MX hosts are used: the names of the others are the hosts own', () => {
    expect(names('relay.example.net,[mx.example.org],192.0.2.1,other.example.net:26')).toEqual([
      'relay.example.net',
      'other.example.net',
    ]);
  });

  it('include the recipient domain only where no other domain shares the connections (R103)', () => {
    expect(names('USEDNS')).toEqual(['example.com']);
    expect(names('[mx.example.org]')).toEqual([]);
    expect(names('[mx.example.org]', { row: '.com' })).toEqual([]);
    expect(names('[mx.example.org]', { row: 'example.com' })).toEqual(['example.com']);
    expect(names('[mx.example.org]', {}, 'domain')).toEqual(['example.com']);
  });

  it('are none for an address literal', () => {
    expect(certificateNames({ kind: 'usedns' }, '[192.0.2.1]' as never, 'destination', {})).toEqual([]);
  });
});

it('TLS is demanded by required, judged by verify (R144)', () => {
  const uses = ['none', 'preferred', 'preferredVerify', 'required', 'requiredVerify'] as const;
  expect(uses.filter(demandsTls)).toEqual(['required', 'requiredVerify']);
  expect(uses.filter(judgesCertificate)).toEqual(['preferredVerify', 'requiredVerify']);
});
