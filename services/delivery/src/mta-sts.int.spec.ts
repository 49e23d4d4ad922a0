import { createHash, X509Certificate } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  DEFAULT_BOUNCE_PROFILE,
  type DeliveryTerms,
  type MtaStsAnswer,
  type MtaStsPolicies,
  type MtaStsPolicy,
  type Relay,
} from '@mailyard/delivery-rules';
import { SmtpRelay } from '@mailyard/smtp-client';
import { makeCertificate, type SelfSignedCertificate } from '@mailyard/testkit/certificate';
import type { SmtpSink } from '@mailyard/testkit/smtp-sink';
import type { Zone } from '@mailyard/testkit/zone';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type DeliveryFixture, delivery, passUntil, sink, until } from './delivery-fixture.suite.ts';
import { DELIVERY_DEFAULTS, termsOfSettings } from './settings.ts';

const authority = makeCertificate(['Authority of the test'], new Date(), { isAuthority: true });
const issue = (...names: string[]): SelfSignedCertificate => makeCertificate(names, new Date(), { issuer: authority });
const right = issue('mx.a.test', 'mx2.a.test');

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'mailyard-mta-sts-'));
  await writeFile(join(folder, 'authority.pem'), authority.cert);
});
afterAll(() => rm(folder, { recursive: true }));

/** The policies of a test, by domain; those who ask are noted. */
class Policies implements MtaStsPolicies {
  readonly asked: string[] = [];
  readonly #byDomain: Map<string, MtaStsPolicy>;
  #id = 0;

  constructor(byDomain: Readonly<Record<string, MtaStsPolicy>>) {
    this.#byDomain = new Map(Object.entries(byDomain));
  }

  set(domain: string, policy: MtaStsPolicy): void {
    this.#id += 1;
    this.#byDomain.set(domain, policy);
  }

  async of(domain: string): Promise<MtaStsAnswer> {
    this.asked.push(domain);
    const policy = this.#byDomain.get(domain);
    if (policy === undefined) return { kind: 'none', reason: 'there is none' };
    return { kind: 'policy', policy, id: String(this.#id), fetchedAt: 0 };
  }
}

const policyOf = (mode: MtaStsPolicy['mode'], ...mx: string[]): MtaStsPolicy => ({ mode, mx, maxAgeSeconds: 86_400 });

/** Sinks stand behind port 25 of these names. */
function relayTo(sinks: Readonly<Record<string, SmtpSink>>): Relay {
  const relay = new SmtpRelay({ incarnation: 'test', tlsFiles: { authority: join(folder, 'authority.pem') } });
  return {
    connect: (host, options) => {
      const port = sinks[host.name]?.port ?? host.port;
      return relay.connect({ name: host.name, address: '127.0.0.1', port }, options);
    },
  };
}

const ZONE: Zone = {
  'a.test': {
    mx: [
      [10, 'mx.a.test'],
      [20, 'mx2.a.test'],
    ],
  },
  'mx.a.test': { a: ['127.0.0.1'] },
  'mx2.a.test': { a: ['127.0.0.2'] },
};

interface Setting {
  readonly sinks: Readonly<Record<string, SmtpSink>>;
  readonly policies: Policies;
  readonly terms?: Partial<DeliveryTerms>;
  readonly zone?: Zone;
  readonly routes?: readonly string[];
}

async function send({ sinks, policies, terms = {}, zone = ZONE, routes = ['ALL USEDNS'] }: Setting) {
  const base = termsOfSettings({ ...DELIVERY_DEFAULTS, bounce: DEFAULT_BOUNCE_PROFILE });
  const of = { ...base, mtaSts: 'enforce', ...terms } as const;
  const fixture = await delivery({
    routes,
    zone,
    policies,
    relay: relayTo(sinks),
    terms: { of: () => of, onChange: () => {} },
  });
  await fixture.submit({ to: ['u@a.test'] });
  await until(() => fixture.count('RecipientDelivered') + fixture.count('RecipientDeferred') > 0);
  return fixture;
}

const told = (fixture: DeliveryFixture): string[] =>
  fixture.events.flatMap((event) =>
    event.kind === 'mtaSts' ? [[event.session?.mode, event.result, event.reason ?? ''].join(' ').trim()] : [],
  );
const waitsFor = (text: string | RegExp) => ({
  stage: 'starttls',
  countsAsRetry: false,
  reply: { code: 451, enhancedStatus: '4.7.5', text: typeof text === 'string' ? text : expect.stringMatching(text) },
});

describe('MTA-STS (R144, RFC 8461)', () => {
  it('sends under enforce to a host that the policy names and whose certificate holds', async () => {
    const host = await sink({ tls: right });
    const fixture = await send({
      sinks: { 'mx.a.test': host },
      policies: new Policies({ 'a.test': policyOf('enforce', '*.a.test') }),
    });
    expect(host.messages.map(({ secure, serverName }) => [secure, serverName])).toEqual([[true, 'mx.a.test']]);
    expect([told(fixture), fixture.alarms]).toEqual([['enforce successful'], []]);
    const tls = fixture.events.find(({ kind }) => kind === 'connectionTls');
    expect(tls).toMatchObject({ certificate: 'verified' });
  });

  it.each([
    ['without STARTTLS', undefined, 'starttls-not-supported', /^MTA-STS of a\.test: the host does not offer STARTTLS$/],
    [
      'with a certificate for the domain, not for itself',
      issue('a.test'),
      'certificate-host-mismatch',
      /^MTA-STS of a\.test: certificate not verified: wrong name: .* not for mx2?\.a\.test$/,
    ],
    [
      'with one of an unknown authority',
      makeCertificate(['mx.a.test', 'mx2.a.test']),
      'certificate-not-trusted',
      /^MTA-STS of a\.test: certificate not verified: self-signed$/,
    ],
  ] as const)('sends nothing under enforce to a host %s: it waits, says why, and goes later', async (...given) => {
    const [, tls, result, reason] = given;
    const host = await sink(tls === undefined ? {} : { tls });
    const policies = new Policies({ 'a.test': policyOf('enforce', 'mx.a.test', 'mx2.a.test') });
    const fixture = await send({ sinks: { 'mx.a.test': host, 'mx2.a.test': host }, policies });
    expect(fixture.outcomes.at(-1)!.record).toMatchObject(waitsFor(reason));
    expect(host.transactions).toBe(0);
    // One alarm for each host.
    expect(fixture.alarms).toEqual(['tls-failed', 'tls-failed']);
    expect(told(fixture)).toEqual(Array.from({ length: 2 }, () => expect.stringContaining(`enforce ${result} `)));
    // The domain takes its policy back.
    policies.set('a.test', policyOf('none'));
    await passUntil(fixture.clock, () => fixture.count('RecipientDelivered') === 1, 10_000, 60);
    expect(fixture.count('RecipientBounced')).toBe(0);
  });

  it('skips a host that the policy does not name for the next one that it names (§5.1, R60)', async () => {
    const [other, named] = [await sink({ tls: right }), await sink({ tls: right })];
    const fixture = await send({
      sinks: { 'mx.a.test': other, 'mx2.a.test': named },
      policies: new Policies({ 'a.test': policyOf('enforce', 'mx2.a.test') }),
    });
    expect([other.connections, named.accepted]).toEqual([0, 1]);
    expect(told(fixture)).toEqual([
      'enforce validation-failure mx.a.test is none of its hosts (mx2.a.test)',
      'enforce successful',
    ]);
  });

  it('waits where none of the hosts is named, which anybody may have put into the DNS', async () => {
    const host = await sink({ tls: right });
    const fixture = await send({
      sinks: { 'mx.a.test': host, 'mx2.a.test': host },
      policies: new Policies({ 'a.test': policyOf('enforce', 'mx.elsewhere.test', '*.b.test') }),
    });
    const text = /^MTA-STS of a\.test: mx2?\.a\.test is none of its hosts \(mx\.elsewhere\.test, \*\.b\.test\)$/;
    expect(fixture.outcomes.at(-1)!.record).toMatchObject(waitsFor(text));
    expect(host.connections).toBe(0);
    expect(fixture.alarms).toContain('tls-failed');
  });

  it.each([
    ['a policy of testing', 'testing', 'enforce'],
    ['a row of testing', 'enforce', 'testing'],
  ] as const)('with %s delivers and tells what is wrong', async (_what, mode, mtaSts) => {
    const policies = new Policies({ 'a.test': policyOf(mode, 'mx.a.test') });
    for (const [given, text, secure] of [
      [{ tls: right }, /^testing successful$/, true],
      [{ tls: issue('a.test') }, /^testing certificate-host-mismatch wrong name: /, true],
      [{}, /^testing starttls-not-supported the session is in the clear$/, false],
    ] as const) {
      const host = await sink(given);
      const fixture = await send({ sinks: { 'mx.a.test': host }, policies, terms: { mtaSts } });
      expect(host.messages.map((message) => message.secure)).toEqual([secure]);
      expect([told(fixture), fixture.alarms]).toEqual([[expect.stringMatching(text)], []]);
    }
    const host = await sink({ tls: right });
    const unnamed = new Policies({ 'a.test': policyOf(mode, 'mx.b.test') });
    const fixture = await send({ sinks: { 'mx.a.test': host }, policies: unnamed, terms: { mtaSts } });
    expect(host.accepted).toBe(1);
    expect(told(fixture)).toEqual(['testing validation-failure mx.a.test is none of its hosts (mx.b.test)']);
  });

  it('is not looked at for explicit routes, address literals, and rows that say none', async () => {
    const host = await sink();
    const policies = new Policies({ 'a.test': policyOf('enforce', 'mx.b.test') });
    for (const [routes, terms] of [
      [[`ALL a.test`], {}],
      [[`ALL [mx.a.test]:${host.port}`], {}],
      [['ALL USEDNS'], { mtaSts: 'none' }],
    ] as const) {
      const before = host.accepted;
      await send({ sinks: { 'mx.a.test': host }, policies, routes, terms });
      expect(host.accepted).toBe(before + 1);
    }
    expect(policies.asked).toEqual([]);
  });

  it('leaves a host to DANE that DNSSEC names; what DANE refuses it does not let through (§2)', async () => {
    const certificate = makeCertificate(['whatever.test']);
    const key = new X509Certificate(certificate.cert).publicKey.export({ type: 'spki', format: 'der' });
    const digest = createHash('sha256').update(key).digest('hex');
    const zoneOf = (tlsa: string, isSecure: boolean): Zone => ({
      'a.test': { isSecure, mx: [[10, 'mx.a.test']] },
      'mx.a.test': { isSecure: true, a: ['127.0.0.1'] },
      '_25._tcp.mx.a.test': { isSecure: true, tlsa: [[3, 1, 1, tlsa]] },
    });
    const host = await sink({ tls: certificate });
    const terms = { dane: 'opportunistic' } as const;
    const elsewhere = new Policies({ 'a.test': policyOf('enforce', 'mx.b.test') });
    const named = new Policies({ 'a.test': policyOf('enforce', 'mx.a.test') });
    const run = (policies: Policies, zone: Zone) => send({ sinks: { 'mx.a.test': host }, policies, zone, terms });
    // Its certificate would not hold by MTA-STS, nor is it named.
    for (const policies of [named, elsewhere]) {
      const fixture = await run(policies, zoneOf(digest, true));
      expect([fixture.count('RecipientDelivered'), told(fixture)]).toEqual([1, []]);
    }
    // DNSSEC vouches for the host, and nobody for the MX records: the policy says whether it is the domain's.
    expect((await run(named, zoneOf(digest, false))).count('RecipientDelivered')).toBe(1);
    const forged = await run(elsewhere, zoneOf(digest, false));
    expect(forged.outcomes.at(-1)!.record).toMatchObject(waitsFor(/^MTA-STS of a\.test: mx\.a\.test is none of/));
    const wrong = await sink({ tls: right });
    const failing = await send({
      sinks: { 'mx.a.test': wrong },
      policies: named,
      zone: zoneOf('ab'.repeat(32), true),
      terms,
    });
    const text = 'certificate not verified: no certificate matches its TLSA records';
    expect(failing.outcomes.at(-1)!.record).toMatchObject(waitsFor(text));
    expect(wrong.transactions).toBe(0);
  });

  it('holds up no other domain while a policy is not there yet', async () => {
    const host = await sink({ tls: right });
    const { promise, resolve } = Promise.withResolvers<void>();
    const policies = new Policies({});
    const slow: MtaStsPolicies = {
      of: async (domain) => {
        if (domain === 'a.test') await promise;
        return policies.of(domain);
      },
    };
    const base = termsOfSettings({ ...DELIVERY_DEFAULTS, bounce: DEFAULT_BOUNCE_PROFILE });
    const terms = { of: () => ({ ...base, mtaSts: 'enforce' }) as const, onChange: () => {} };
    const zone = { ...ZONE, 'b.test': { mx: [[10, 'mx.a.test']] } } as const;
    const relay = relayTo({ 'mx.a.test': host });
    const fixture = await delivery({ routes: ['ALL USEDNS'], zone, policies: slow, relay, terms });
    await fixture.submit({ to: ['u@a.test'] });
    await fixture.submit({ to: ['u@b.test'] });
    await until(() => host.accepted === 1);
    expect(host.messages[0]!.recipients[0]!.forwardPath).toBe('u@b.test');
    resolve();
    await until(() => host.accepted === 2);
  });
});
