import type { Domain } from '@mailyard/mail';
import type { DestinationHost, RouteTarget } from '@mailyard/smtp-routes';
import { describe, expect, it } from 'vitest';
import { formatHost, hostKey, MX_HOST_LIMIT, type PlanOptions, planHosts } from './host-plan.ts';
import type { AddressAnswer, MxAnswer } from './ports.ts';

const OPTIONS: PlanOptions = { turn: 0, random: [], ipPreference: 'preferV4' };
const FAILURE = { kind: 'failure', reason: 'SERVFAIL' } as const;
const NO_SUCH = { kind: 'noSuchDomain' } as const;
const NO_DATA = { kind: 'noData' } as const;
const NULL_MX = { kind: 'nullMx' } as const;

interface Zone {
  readonly mx?: Record<string, MxAnswer>;
  readonly addresses?: Record<string, AddressAnswer>;
}

function mx(...hosts: readonly (readonly [number, string])[]): MxAnswer {
  return { kind: 'hosts', hosts: hosts.map(([preference, exchange]) => ({ preference, exchange })) };
}

function at(...addresses: readonly string[]): AddressAnswer {
  return { kind: 'addresses', addresses };
}

function to(...hosts: readonly string[]): RouteTarget {
  return { kind: 'hosts', hosts: hosts.map(destination) };
}

function destination(text: string): DestinationHost {
  const { name, port, priority } = /^(?<name>.*?)(?::(?<port>\d+))?(?:\/pri=(?<priority>\d+))?$/.exec(text)!.groups!;
  const bracketed = name!.startsWith('[');
  const host = bracketed ? name!.slice(1, -1) : name!;
  return {
    lookup: /^[\d.]+$|::/.test(host) ? 'address' : bracketed ? 'name' : 'mx',
    host,
    port: Number(port ?? 25),
    priority: Number(priority ?? 0),
  };
}

/** Answers each question once, as a driver would, and counts the rounds. */
function plan(target: RouteTarget, domain: string, zone: Zone, options = OPTIONS) {
  if (target.kind === 'null') throw new Error('not planned');
  const answers = { mx: new Map<string, MxAnswer>(), addresses: new Map<string, AddressAnswer>() };
  for (let rounds = 0; ; rounds++) {
    const made = planHosts(target, domain as Domain, answers, options);
    if (made.kind !== 'ask') return { ...made, rounds, asked: [...answers.mx.keys(), ...answers.addresses.keys()] };
    expect(rounds).toBeLessThan(2);
    for (const name of made.mx) answers.mx.set(name, zone.mx?.[name] ?? NO_DATA);
    for (const name of made.addresses) answers.addresses.set(name, zone.addresses?.[name] ?? NO_SUCH);
  }
}

function hostsOf(made: ReturnType<typeof plan>): string[] {
  return made.kind === 'hosts' ? made.hosts.map((host) => hostKey(host)) : [`nowhere, permanent: ${made.permanent}`];
}

const DNS: RouteTarget = { kind: 'usedns' };

describe('a host plan', () => {
  it.each<[string, RouteTarget, string, Zone, string[]]>([
    [
      'R50: MX hosts of a destination by preference, at their addresses',
      to('exchange.example'),
      'example.com',
      {
        mx: { 'exchange.example': mx([20, 'b.example'], [10, 'a.example']) },
        addresses: { 'a.example': at('192.0.2.1'), 'b.example': at('192.0.2.2') },
      },
      ['192.0.2.1:25', '192.0.2.2:25'],
    ],
    [
      'R50: the own address of a destination without MX',
      to('exchange.example'),
      'example.com',
      { addresses: { 'exchange.example': at('192.0.2.7') } },
      ['192.0.2.7:25'],
    ],
    [
      'R51: a.domain goes to the MX of b.domain once, whatever the table says of b.domain',
      to('b.domain'),
      'a.domain',
      { mx: { 'b.domain': mx([10, 'mx.b.domain']) }, addresses: { 'mx.b.domain': at('192.0.2.3') } },
      ['192.0.2.3:25'],
    ],
    [
      'R52: foo.domain whose MX is bar.domain goes to the address of bar.domain',
      DNS,
      'foo.domain',
      { mx: { 'foo.domain': mx([10, 'bar.domain']) }, addresses: { 'bar.domain': at('192.0.2.4') } },
      ['192.0.2.4:25'],
    ],
    [
      'R53: the port applies to every MX host',
      to('exchange.example:2525'),
      'example.com',
      {
        mx: { 'exchange.example': mx([10, 'a.example'], [20, 'b.example']) },
        addresses: { 'a.example': at('192.0.2.1'), 'b.example': at('192.0.2.2') },
      },
      ['192.0.2.1:2525', '192.0.2.2:2525'],
    ],
    [
      'R54: lower priorities first',
      to('192.0.2.9/pri=10', '192.0.2.1', '192.0.2.5/pri=5'),
      'example.com',
      {},
      ['192.0.2.1:25', '192.0.2.5:25', '192.0.2.9:25'],
    ],
    [
      'R14: a name in brackets takes its address and skips its MX',
      to('[exchange.example]:26'),
      'example.com',
      { mx: { 'exchange.example': mx([10, 'trap.example']) }, addresses: { 'exchange.example': at('192.0.2.8') } },
      ['192.0.2.8:26'],
    ],
    ['R14: an address asks nothing', to('192.0.2.1:2526'), 'example.com', {}, ['192.0.2.1:2526']],
    ['R13: an IPv6 address with a port', to('[2001:db8::5]:2525'), 'example.com', {}, ['[2001:db8::5]:2525']],
    [
      'R16: USEDNS takes the MX of the recipient domain',
      DNS,
      'example.com',
      {
        mx: { 'example.com': mx([10, 'mx.example.com']) },
        addresses: { 'mx.example.com': at('192.0.2.6') },
      },
      ['192.0.2.6:25'],
    ],
    ['an address literal as recipient domain is the host', DNS, '[192.0.2.33]', {}, ['192.0.2.33:25']],
    ['an IPv6 literal as recipient domain is the host', DNS, '[IPv6:2001:db8::1]', {}, ['[2001:db8::1]:25']],
    [
      'R63: a null MX is permanent',
      DNS,
      'example.com',
      { mx: { 'example.com': NULL_MX } },
      ['nowhere, permanent: true'],
    ],
    [
      'R63: a name that does not exist is permanent',
      DNS,
      'example.com',
      { mx: { 'example.com': NO_SUCH } },
      ['nowhere, permanent: true'],
    ],
    [
      'R63: a failed MX lookup is temporary',
      DNS,
      'example.com',
      { mx: { 'example.com': FAILURE } },
      ['nowhere, permanent: false'],
    ],
    [
      'a failed address lookup is temporary',
      DNS,
      'example.com',
      {
        mx: { 'example.com': mx([10, 'mx.example.com']) },
        addresses: { 'mx.example.com': FAILURE },
      },
      ['nowhere, permanent: false'],
    ],
    [
      'neither MX nor address is permanent',
      DNS,
      'example.com',
      { addresses: { 'example.com': NO_DATA } },
      ['nowhere, permanent: true'],
    ],
    [
      'RFC 5321 5.1: MX hosts without any address are permanent',
      DNS,
      'example.com',
      {
        mx: { 'example.com': mx([10, 'gone.example.com']) },
      },
      ['nowhere, permanent: true'],
    ],
    [
      'an MX host without address does not hide the next one',
      DNS,
      'example.com',
      {
        mx: { 'example.com': mx([10, 'gone.example.com'], [20, 'there.example.com']) },
        addresses: { 'there.example.com': at('192.0.2.2') },
      },
      ['192.0.2.2:25'],
    ],
    [
      'R63: a destination that fails permanently leaves the others',
      to('gone.example', 'exchange.example'),
      'example.com',
      { mx: { 'gone.example': NO_SUCH }, addresses: { 'exchange.example': at('192.0.2.1') } },
      ['192.0.2.1:25'],
    ],
    [
      'R63: one destination unknown, the others gone: temporary',
      to('gone.example', 'unknown.example', 'null.example'),
      'example.com',
      { mx: { 'gone.example': NO_SUCH, 'unknown.example': FAILURE, 'null.example': NULL_MX } },
      ['nowhere, permanent: false'],
    ],
    [
      'R63: every destination gone: permanent',
      to('gone.example', 'null.example'),
      'example.com',
      { mx: { 'gone.example': NO_SUCH, 'null.example': NULL_MX } },
      ['nowhere, permanent: true'],
    ],
    [
      'R58: no fall-back to the MX of the recipient domain',
      to('gone.example'),
      'example.com',
      {
        mx: { 'gone.example': FAILURE, 'example.com': mx([10, 'mx.example.com']) },
        addresses: { 'mx.example.com': at('192.0.2.1') },
      },
      ['nowhere, permanent: false'],
    ],
    [
      'hosts that two names share are tried once',
      to('[a.example]', '[b.example]'),
      'example.com',
      { addresses: { 'a.example': at('192.0.2.1', '192.0.2.2'), 'b.example': at('192.0.2.2') } },
      ['192.0.2.1:25', '192.0.2.2:25'],
    ],
  ])('%s', (_claim, target, domain, zone, expected) => {
    expect(hostsOf(plan(target, domain, zone))).toEqual(expected);
  });

  it('never asks about the recipient domain when there is an entry (R58)', () => {
    const made = plan(to('exchange.example'), 'example.com', { mx: { 'exchange.example': FAILURE } });
    expect(made.asked).toEqual(['exchange.example']);
  });

  it('takes turns inside one priority, connection by connection (R55)', () => {
    const target = to('192.0.2.1', '192.0.2.2', '192.0.2.9/pri=1');
    const firsts = [0, 1, 2, 3].map((turn) => hostsOf(plan(target, 'example.com', {}, { ...OPTIONS, turn })));
    expect(firsts.map((hosts) => hosts[0])).toEqual(['192.0.2.1:25', '192.0.2.2:25', '192.0.2.1:25', '192.0.2.2:25']);
    for (const hosts of firsts) expect(hosts[2]).toBe('192.0.2.9:25');
  });

  it('draws the order of MX hosts of equal preference (R56)', () => {
    const zone: Zone = {
      mx: { 'example.com': mx([10, 'a.example'], [10, 'b.example'], [5, 'c.example']) },
      addresses: { 'a.example': at('192.0.2.1'), 'b.example': at('192.0.2.2'), 'c.example': at('192.0.2.3') },
    };
    const order = (random: number[]) => hostsOf(plan(DNS, 'example.com', zone, { ...OPTIONS, random }));
    expect(order([0.1, 0.9, 0.5])).toEqual(['192.0.2.3:25', '192.0.2.1:25', '192.0.2.2:25']);
    expect(order([0.9, 0.1, 0.5])).toEqual(['192.0.2.3:25', '192.0.2.2:25', '192.0.2.1:25']);
  });

  it.each([
    ['preferV6', ['[2001:db8::1]:25', '192.0.2.1:25']],
    ['preferV4', ['192.0.2.1:25', '[2001:db8::1]:25']],
    ['requireV6', ['[2001:db8::1]:25']],
    ['requireV4', ['192.0.2.1:25']],
  ] as const)('orders addresses by %s (R142)', (ipPreference, expected) => {
    const zone = { addresses: { 'a.example': at('192.0.2.1', '2001:db8::1') } };
    expect(hostsOf(plan(to('[a.example]'), 'example.com', zone, { ...OPTIONS, ipPreference }))).toEqual(expected);
  });

  it('waits for a host that has no address of the family that is required, and says so (R142)', () => {
    const zone: Zone = {
      mx: { 'example.com': mx([1, 'a.example'], [2, 'b.example']) },
      addresses: { 'a.example': at('192.0.2.1'), 'b.example': at('192.0.2.2') },
    };
    const options = { ...OPTIONS, ipPreference: 'requireV6' } as const;
    const made = plan(DNS, 'example.com', zone, options);
    expect(made).toMatchObject({
      kind: 'nowhere',
      permanent: false,
      faults: [{ kind: 'temporary', reason: expect.stringContaining('a.example has no IPv6 address') }],
    });
    const one: Zone = { ...zone, addresses: { ...zone.addresses, 'b.example': at('2001:db8::2') } };
    expect(hostsOf(plan(DNS, 'example.com', one, options))).toEqual(['[2001:db8::2]:25']);
    expect(hostsOf(plan(to('192.0.2.1'), 'example.com', {}, options))).toEqual(['nowhere, permanent: false']);
    expect(
      hostsOf(plan(to('[none.example]'), 'x.example', { addresses: { 'none.example': NO_DATA } }, options)),
    ).toEqual(['nowhere, permanent: true']);
  });

  it('names only hosts that a virtual gateway has a source address for (R147)', () => {
    const zone: Zone = { addresses: { 'a.example': at('192.0.2.1', '2001:db8::1') } };
    const by = (...addresses: string[]) => ({ ...OPTIONS, gateway: { name: 'bulk', addresses } });
    const target = to('[a.example]');
    expect(hostsOf(plan(target, 'x.example', zone, by('192.0.2.9')))).toEqual(['192.0.2.1:25']);
    expect(hostsOf(plan(target, 'x.example', zone, by('2001:db8::9')))).toEqual(['[2001:db8::1]:25']);
    expect(hostsOf(plan(target, 'x.example', zone, by()))).toEqual(['192.0.2.1:25', '[2001:db8::1]:25']);
    expect(plan(to('192.0.2.1'), 'x.example', {}, by('2001:db8::9'))).toMatchObject({
      kind: 'nowhere',
      permanent: false,
      faults: [{ reason: 'virtual gateway bulk has no address from which 192.0.2.1 can be reached' }],
    });
  });

  it('looks at the best MX hosts only, however many there are', () => {
    const many = mx(...Array.from({ length: 500 }, (_, index) => [index, `mx${index}.example`] as const));
    const made = plan(DNS, 'example.com', { mx: { 'example.com': many } });
    expect(made.asked).toHaveLength(1 + MX_HOST_LIMIT);
    expect(made.asked).toContain('mx0.example');
  });

  it('says why a destination leads nowhere', () => {
    const made = plan(to('null.example'), 'example.com', { mx: { 'null.example': NULL_MX } });
    expect(made.kind === 'nowhere' && made.faults).toEqual([
      {
        destination: 'null.example',
        kind: 'permanent',
        reason: 'null.example takes no mail (null MX)',
        enhancedStatus: '5.1.10',
      },
    ]);
  });

  it('prints a host as logs show it', () => {
    expect(formatHost({ name: 'a.example', address: '192.0.2.1', port: 25 })).toBe('a.example [192.0.2.1]:25');
    expect(hostKey({ address: '192.0.2.1', port: 25 }, 'bulk')).toBe('192.0.2.1:25 via bulk');
  });
});
