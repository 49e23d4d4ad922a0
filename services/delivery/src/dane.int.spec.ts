import { createHash, X509Certificate } from 'node:crypto';
import { DEFAULT_BOUNCE_PROFILE, type DeliveryTerms } from '@mailyard/delivery-rules';
import { makeCertificate, type SelfSignedCertificate } from '@mailyard/testkit/certificate';
import type { SmtpSink } from '@mailyard/testkit/smtp-sink';
import type { Zone, ZoneName } from '@mailyard/testkit/zone';
import { describe, expect, it } from 'vitest';
import { delivery, passUntil, sink, until } from './delivery-fixture.suite.ts';
import { DELIVERY_DEFAULTS, termsOfSettings } from './settings.ts';

const certificate = makeCertificate(['whatever.test']);
const other = makeCertificate(['whatever.test']);

/** A TLSA record 3 1 1 of a certificate. */
function recordOf({ cert }: SelfSignedCertificate): readonly [number, number, number, string] {
  const key = new X509Certificate(cert).publicKey.export({ type: 'spki', format: 'der' });
  return [3, 1, 1, createHash('sha256').update(key).digest('hex')];
}

function under(change: Partial<DeliveryTerms>) {
  const terms = { ...termsOfSettings({ ...DELIVERY_DEFAULTS, bounce: DEFAULT_BOUNCE_PROFILE }), ...change };
  return { of: () => terms, onChange: () => {} };
}

/** A zone with `mx.signed.test` and `mx.plain.test`, and what stands at the TLSA name of one of them. */
function zoneOf({ port }: SmtpSink, service: ZoneName, host = 'mx.signed.test'): Zone {
  return {
    'signed.test': { isSecure: true },
    'mx.signed.test': { a: ['127.0.0.1'] },
    'mx.plain.test': { a: ['127.0.0.1'] },
    [`_${port}._tcp.${host}`]: service,
  };
}

async function sendTo(host: SmtpSink, zone: Zone, terms: Partial<DeliveryTerms>, name = 'mx.signed.test') {
  const fixture = await delivery({ routes: [`ALL [${name}]:${host.port}`], zone, terms: under(terms) });
  await fixture.submit({ to: ['u@example.com'] });
  await until(() => fixture.count('RecipientDelivered') + fixture.count('RecipientDeferred') > 0);
  const tls = fixture.events.find(({ kind }) => kind === 'connectionTls');
  return { fixture, secure: host.messages[0]?.secure, tls, last: fixture.outcomes.at(-1)!.record };
}

const refusal = (text: string) => ({ stage: 'starttls', reply: { code: 451, enhancedStatus: '4.7.5', text } });

describe('DANE (R144, RFC 7672)', () => {
  it.each(['opportunistic', 'mandatory'] as const)(
    '%s sends to a host whose certificate its records name',
    async (dane) => {
      const host = await sink({ tls: certificate });
      const { secure, tls } = await sendTo(host, zoneOf(host, { tlsa: [recordOf(certificate)] }), { dane });
      expect([secure, tls]).toEqual([true, expect.objectContaining({ certificate: 'dane' })]);
    },
  );

  it.each(['opportunistic', 'mandatory'] as const)('%s sends nothing to one that shows another', async (dane) => {
    const host = await sink({ tls: certificate });
    const { last, fixture } = await sendTo(host, zoneOf(host, { tlsa: [recordOf(other)] }), { dane });
    expect(last).toMatchObject(refusal('certificate not verified: no certificate matches its TLSA records'));
    expect([host.transactions, fixture.alarms]).toEqual([0, ['tls-failed']]);
    // The records are right at last.
    fixture.resolver.zone = zoneOf(host, { tlsa: [recordOf(certificate)] });
    await passUntil(fixture.clock, () => fixture.count('RecipientDelivered') === 1, 10_000, 60);
  });

  it('sends nothing in the clear to a host with records, though TLS is demanded nowhere else', async () => {
    const host = await sink();
    const { last } = await sendTo(host, zoneOf(host, { tlsa: [recordOf(certificate)] }), { dane: 'opportunistic' });
    expect(last).toMatchObject(refusal('the host does not offer STARTTLS'));
    expect(host.transactions).toBe(0);
  });

  it('opportunistic goes by the rest of the terms where no records count, mandatory sends nothing', async () => {
    const unusable = { tlsa: [[0, 1, 1, 'ab'.repeat(32)]] } as const;
    const cases = [
      ['mx.signed.test', {}, /^DANE is demanded: no TLSA records below mx\.signed\.test/],
      [
        'mx.plain.test',
        { tlsa: [recordOf(certificate)] },
        /^DANE is demanded: DNSSEC does not vouch for mx\.plain\.test/,
      ],
      ['mx.signed.test', unusable, /^DANE is demanded: no TLSA record is usable/],
    ] as const;
    for (const [name, service, reason] of cases) {
      const host = await sink({ tls: certificate });
      const zone = zoneOf(host, service, name);
      const taken = await sendTo(host, zone, { dane: 'opportunistic' }, name);
      expect([taken.secure, taken.tls]).toEqual([true, expect.objectContaining({ certificate: 'unjudged' })]);
      const before = host.transactions;
      const refused = await sendTo(host, zone, { dane: 'mandatory' }, name);
      expect(refused.last).toMatchObject({ stage: 'starttls', reply: { text: expect.stringMatching(reason) } });
      expect(host.transactions).toBe(before);
    }
    // Nothing promises TLS: preferred, so in the clear if need be. Unusable records promise it.
    const bare = await sink();
    expect((await sendTo(bare, zoneOf(bare, {}), { dane: 'opportunistic' })).secure).toBe(false);
    const promised = await sendTo(bare, zoneOf(bare, unusable), { dane: 'opportunistic' });
    expect(promised.last).toMatchObject(refusal('the host does not offer STARTTLS'));
  });

  it('waits while it is not known whether there are records, and goes on to the next host', async () => {
    const host = await sink({ tls: certificate });
    const zone = zoneOf(host, { fault: 'servfail' });
    const { last } = await sendTo(host, zone, { dane: 'opportunistic' });
    expect(last).toMatchObject(refusal('TLSA records not known: servfail'));
    expect(host.connections).toBe(0);
    const fixture = await delivery({
      routes: [`ALL [mx.signed.test]:${host.port},[mx.plain.test]:${host.port}/pri=1`],
      zone: { ...zone, 'mx.plain.test': { a: ['127.0.0.2', '127.0.0.1'] } },
      terms: under({ dane: 'opportunistic' }),
    });
    const second = await sink({ tls: certificate, host: '127.0.0.2', port: host.port });
    await fixture.submit({ to: ['u@example.com'] });
    await until(() => fixture.count('RecipientDelivered') === 1);
    expect([host.accepted, second.messages[0]?.secure]).toEqual([0, true]);
  });

  it('mandatory trusts MX records only where DNSSEC vouches for them; a host in the route needs none', async () => {
    const host = await sink({ tls: certificate });
    const zone = {
      ...zoneOf(host, { tlsa: [recordOf(certificate)] }),
      'signed.test': { isSecure: true, mx: [[10, 'mx.signed.test']] },
      'plain.test': { mx: [[10, 'mx.signed.test']] },
    } as const;
    const run = async (route: string, dane: 'mandatory' | 'opportunistic') => {
      const fixture = await delivery({ routes: [`ALL ${route}`], zone, terms: under({ dane }) });
      await fixture.submit({ to: ['u@example.com'] });
      await until(() => fixture.count('RecipientDelivered') + fixture.count('RecipientDeferred') > 0);
      return fixture.outcomes.at(-1)!;
    };
    expect((await run(`signed.test:${host.port}`, 'mandatory')).type).toBe('RecipientDelivered');
    expect((await run(`plain.test:${host.port}`, 'opportunistic')).type).toBe('RecipientDelivered');
    expect((await run(`plain.test:${host.port}`, 'mandatory')).record).toMatchObject(
      refusal('DANE is demanded: DNSSEC does not vouch for the MX records of plain.test'),
    );
    expect((await run(`127.0.0.1:${host.port}`, 'mandatory')).record).toMatchObject(
      refusal('DANE is demanded: 127.0.0.1 is an address and has no TLSA records'),
    );
  });
});
