import { createServer } from 'node:net';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import type { Host, RelayConnection, RelayOptions, SessionFailure, TlsaRecord } from '@mailyard/delivery-rules';
import { createHash, X509Certificate } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { makeCertificate, type SelfSignedCertificate } from './certificate.ts';
import { hostOf, isSession, openTo, OPTIONS, type RelayUnderTest, summary, transactionTo } from './relay-fixture.ts';
import type { SinkOptions } from './sink-script.ts';
import { SmtpSink } from './smtp-sink.ts';

const PATIENT = 20_000;
const SHORT = 250;
const CREDENTIALS = { username: 'us=er,1', password: 'pass word' };

/** The part of the relay suite about opening and closing sessions. */
export function describeSessions(driver: RelayUnderTest): void {
  let sink: SmtpSink | undefined;
  afterEach(async () => {
    await sink?.stop();
    sink = undefined;
  });

  async function startSink(options: SinkOptions = {}): Promise<SmtpSink> {
    await sink?.stop();
    sink = await SmtpSink.start(options);
    return sink;
  }

  async function failure(options: Partial<typeof OPTIONS> = {}, waitMs = PATIENT): Promise<SessionFailure> {
    const opened = await driver.make(waitMs).connect(hostOf(sink!), { ...OPTIONS, ...options });
    if (isSession(opened)) throw new Error('the session was opened');
    return opened;
  }

  describe('a session', () => {
    it('is opened from the local address that is wanted, or not at all: then the failure is ours (R147)', async () => {
      const running = await startSink();
      const relay = driver.make(PATIENT);
      const session = await openTo(relay, running, { localAddress: '127.0.0.2' });
      await session.send(transactionTo(['a@b.test']));
      expect(running.messages[0]!.client.address).toBe('127.0.0.2');
      await session.close();
      // Of a net for documentation: no machine has it.
      expect(await failure({ localAddress: '203.0.113.77' })).toMatchObject({ stage: 'connect', isOurs: true });
      expect(running.connections).toBe(1);
      await running.stop();
      expect(await failure({ localAddress: '127.0.0.2' })).not.toHaveProperty('isOurs');
    });

    it('has a DCID of its own, says EHLO with the given name, and ends with QUIT', async () => {
      const lines: string[] = [];
      const running = await startSink({ onStep: ({ line }) => void lines.push(line) });
      const relay = driver.make(PATIENT);
      const [first, second] = [await openTo(relay, running), await openTo(relay, running)];
      expect(first.dcid).not.toBe(second.dcid);
      expect(first.host).toEqual(hostOf(running));
      expect(first.usable).toBe(true);
      await Promise.all([first.close(), second.close(), second.close()]);
      expect(first.usable).toBe(false);
      await running.until(({ openConnections }) => openConnections === 0);
      expect(lines.filter((line) => line !== '').toSorted()).toEqual([
        'EHLO gateway.test',
        'EHLO gateway.test',
        'QUIT',
        'QUIT',
      ]);
    });

    it('goes on with HELO where EHLO is not known', async () => {
      const running = await startSink({
        onStep: ({ step, line }) => (step === 'ehlo' && line.startsWith('EHLO') ? '502 What?' : undefined),
      });
      const connection = await openTo(driver.make(PATIENT), running);
      expect(summary(await connection.send(transactionTo(['a@b.test'], { ret: 'FULL' })))).toEqual(['10 accepted 250']);
      expect(running.messages[0]).toMatchObject({ helo: 'gateway.test', mailParameters: [] });
      await connection.close();
    });

    it('is not opened where nobody listens', async () => {
      const server = createServer().listen(0, '127.0.0.1');
      await once(server, 'listening');
      const { port } = server.address() as AddressInfo;
      server.close();
      await once(server, 'close');
      const host = { name: 'localhost', address: '127.0.0.1', port };
      expect(await driver.make(PATIENT).connect(host, OPTIONS)).toMatchObject({ stage: 'connect' });
    });

    it.each([
      ['connect', 'greeting', '554 5.3.2 No service'],
      ['connect', 'greeting', '421 4.3.2 Not now'],
      ['ehlo', 'ehlo', '421 4.3.2 Not now'],
    ] as const)('that is refused at %s tells stage %s and reply %s (R59)', async (step, stage, reply) => {
      await startSink({ onStep: (context) => (context.step === step ? { reply, end: 'close' } : undefined) });
      expect(await failure()).toMatchObject({ stage, reply: { code: Number(reply.slice(0, 3)) } });
    });

    it.each([
      ['closes', { end: 'close' }],
      ['resets', { end: 'reset' }],
      ['is silent', { end: 'hang' }],
      ['speaks an octet at a time', { reply: `220 ${'x'.repeat(500)}`, trickleMs: 10 }],
      ['never ends its greeting', { reply: '220-a\r\n220-b', end: 'hang' }],
      ['speaks HTTP', { reply: 'HTTP/1.1 400 Bad Request', end: 'close' }],
    ] as const)('with a host that %s fails in time', async (_how, answer) => {
      for (const step of ['connect', 'ehlo'] as const) {
        await startSink({ onStep: (context) => (context.step === step ? answer : undefined) });
        const before = performance.now();
        const { stage } = await failure({}, SHORT);
        // A reset that comes with the connection may be seen as a failure to connect.
        expect(step === 'connect' ? ['connect', 'greeting'] : ['ehlo']).toContain(stage);
        expect(performance.now() - before).toBeLessThan(3_000);
      }
    });
  });

  describe('STARTTLS', () => {
    it.each(['preferred', 'required'] as const)('is used when %s and offered', async (tls) => {
      const running = await startSink({ tls: true });
      const connection = await openTo(driver.make(PATIENT), running, { tls });
      for (let i = 0; i < 3; i++) {
        const proof = i === 1 ? { mayEnd: () => true } : {};
        expect(summary(await connection.send(transactionTo(['a@b.test'], proof)))).toEqual(['10 accepted 250']);
      }
      expect(running.messages.map(({ secure, helo }) => [secure, helo])).toEqual(
        Array.from({ length: 3 }, () => [true, 'gateway.test']),
      );
      await connection.close();
      await running.until(({ openConnections }) => openConnections === 0);
    });

    it('is not used when it is not wanted', async () => {
      const running = await startSink({ tls: true });
      const connection = await openTo(driver.make(PATIENT), running);
      await connection.send(transactionTo(['a@b.test']));
      expect(running.messages[0]?.secure).toBe(false);
      await connection.close();
    });

    it('that is required and not to be had means no session (R144)', async () => {
      await startSink();
      expect(await failure({ tls: 'required' })).toMatchObject({ stage: 'starttls' });
      const refuse: SinkOptions['onStep'] = ({ step }) => (step === 'starttls' ? '454 4.7.0 Not now' : undefined);
      await startSink({ tls: true, onStep: refuse });
      expect(await failure({ tls: 'required' })).toMatchObject({ stage: 'starttls', reply: { code: 454 } });
      const broken: SinkOptions['onStep'] = ({ step }) => (step === 'starttls' ? { end: 'close' } : undefined);
      await startSink({ tls: true, onStep: broken });
      expect(await failure({ tls: 'required' })).toMatchObject({ stage: 'starttls' });
    });

    it('that is preferred and fails is done without, also when the handshake breaks (R144)', async () => {
      const scripts: SinkOptions[] = [
        { onStep: ({ step }) => (step === 'starttls' ? '454 4.7.0 Not now' : undefined) },
        { tls: { key: '', cert: '' } },
      ];
      for (const script of scripts) {
        const running = await startSink({ tls: true, ...script });
        const connection = await openTo(driver.make(PATIENT), running, { tls: 'preferred' });
        expect(summary(await connection.send(transactionTo(['a@b.test'])))).toEqual(['10 accepted 250']);
        expect(running.messages[0]?.secure).toBe(false);
        await connection.close();
      }
    });

    it('does not believe plaintext that follows its reply, whoever put it there (CVE-2011-0411)', async () => {
      const running = await startSink({
        tls: true,
        onStep: ({ step }) => (step === 'starttls' ? '220 Go ahead\r\n250-evil\r\n250 SIZE 1' : undefined),
      });
      const opened = await driver.make(PATIENT).connect(hostOf(running), { ...OPTIONS, tls: 'required' });
      if (!isSession(opened)) {
        expect(opened.stage).toBe('starttls');
        return;
      }
      expect(summary(await opened.send(transactionTo(['a@b.test'])))).toEqual(['10 accepted 250']);
      await opened.close();
    });

    it('makes what was offered before void', async () => {
      let secured = false;
      const running = await startSink({
        tls: true,
        onStep: ({ step, secure }) => {
          if (step !== 'ehlo' || !secure) return undefined;
          secured = true;
          return '250 sink.test';
        },
      });
      const connection = await openTo(driver.make(PATIENT), running, { tls: 'required' });
      const [result] = await connection.send(transactionTo(['a@b.test'], { eightBit: true }));
      expect(result).toMatchObject({ kind: 'refused', reply: { enhancedStatus: '5.6.3' } });
      expect(secured).toBe(true);
      await connection.close();
    });
  });

  describe('a certificate that is judged (R144)', () => {
    const authority = makeCertificate(['Authority of the test'], new Date(), { isAuthority: true });
    let folder: string;
    beforeAll(async () => {
      folder = await mkdtemp(join(tmpdir(), 'mailyard-relay-'));
      await writeFile(join(folder, 'authority.pem'), authority.cert);
    });
    afterAll(() => rm(folder, { recursive: true }));

    const long = new Date(Date.now() - 800 * 86_400_000);
    const soon = new Date(Date.now() + 10 * 86_400_000);
    const issue = (names: readonly string[], now = new Date()): SelfSignedCertificate =>
      makeCertificate(names, now, { issuer: authority });
    const middle = makeCertificate(['Middle'], new Date(), { issuer: authority, isAuthority: true });
    const behindMiddle = makeCertificate(['localhost'], new Date(), { issuer: middle });
    const old = makeCertificate(['Old authority'], long, { issuer: authority, isAuthority: true });
    const behindOld = makeCertificate(['localhost'], new Date(), { issuer: old });
    const whole = (leaf: SelfSignedCertificate, above: SelfSignedCertificate): SelfSignedCertificate => ({
      key: leaf.key,
      cert: `${leaf.cert}${above.cert}`,
    });

    const make = (): ReturnType<RelayUnderTest['make']> =>
      driver.make(PATIENT, { authority: join(folder, 'authority.pem') });

    async function connectTo(
      certificate: SelfSignedCertificate,
      options: Partial<RelayOptions>,
      host: Partial<Host> = {},
    ): Promise<RelayConnection | SessionFailure> {
      const running = await startSink({ tls: certificate });
      return make().connect({ ...hostOf(running), ...host }, { ...OPTIONS, ...options });
    }

    it.each<[string, SelfSignedCertificate, Partial<RelayOptions>, Partial<Host>]>([
      ["of the host's name", issue(['other.test', 'localhost']), {}, {}],
      ['of a name in any case', issue(['MX.Example.Test']), {}, { name: 'mx.example.test' }],
      ['of a wildcard for it', issue(['*.example.test']), {}, { name: 'mx.example.test' }],
      ['of the recipient domain', issue(['rcpt.test']), { certificateNames: ['relay.test', 'rcpt.test'] }, {}],
      ['of its address', issue(['x.test', '127.0.0.1']), {}, { name: '127.0.0.1' }],
      ['behind a chain', whole(behindMiddle, middle), {}, {}],
    ])('%s holds', async (_what, certificate, options, host) => {
      for (const tls of ['requiredVerify', 'preferredVerify'] as const) {
        const opened = await connectTo(certificate, { ...options, tls }, host);
        if (!isSession(opened)) throw new Error(opened.reason);
        expect(opened.tls).toMatchObject({ protocol: 'TLSv1.3', certificate: 'verified' });
        expect(opened.tls?.cipher).toMatch(/^TLS_/);
        await opened.send(transactionTo(['a@b.test']));
        expect(sink!.messages[0]?.secure).toBe(true);
        await opened.close();
      }
    });

    it.each<[string, SelfSignedCertificate, RegExp, Partial<Host>]>([
      ['self-signed', makeCertificate(['localhost']), /self-signed$/, {}],
      ['expired', issue(['localhost'], long), /expired on \d{4}-\d\d-\d\d$/, {}],
      ['not yet valid', issue(['localhost'], soon), /not valid before \d{4}-\d\d-\d\d$/, {}],
      [
        'of another name',
        issue(['a.test', 'b.test']),
        /wrong name: it is for .*a\.test.*b\.test, not for localhost$/,
        {},
      ],
      ['of an unknown authority', behindMiddle, /unknown authority CN=Middle$/, {}],
      ['of an authority that has expired', whole(behindOld, old), /an authority above it has expired$/, {}],
      ['of a name above', issue(['*.test']), /wrong name/, { name: 'mx.example.test' }],
      ['of a wildcard inside a label', issue(['m*.example.test']), /wrong name/, { name: 'mx.example.test' }],
      ['of a wildcard two labels deep', issue(['*.test']), /wrong name/, { name: 'a.b.test' }],
      ['of no address', issue(['127.0.0.1.test', '127.0.0.2']), /wrong name/, { name: '127.0.0.1' }],
    ])('%s keeps the mail here when it must hold, and is told', async (_what, certificate, fault, host) => {
      const failed = await connectTo(certificate, { tls: 'requiredVerify' }, host);
      expect(failed).toMatchObject({ stage: 'starttls', reason: expect.stringMatching(fault) });
      expect('reply' in failed).toBe(false);
      expect([sink!.transactions, sink!.connections]).toEqual([0, 1]);
      // Preferred: used all the same, encrypted.
      const opened = await connectTo(certificate, { tls: 'preferredVerify' }, host);
      if (!isSession(opened)) throw new Error(opened.reason);
      expect(opened.tls).toMatchObject({ certificate: 'unverified', fault: expect.stringMatching(fault) });
      await opened.send(transactionTo(['a@b.test']));
      expect(sink!.messages[0]?.secure).toBe(true);
      await opened.close();
      // Not to be judged: not judged.
      const plain = await connectTo(certificate, { tls: 'required' }, host);
      expect(isSession(plain) && plain.tls).toMatchObject({ certificate: 'unjudged' });
      if (isSession(plain)) await plain.close();
    });

    it.each<[string, SelfSignedCertificate, string, RegExp]>([
      ['self-signed', makeCertificate(['mx.example.test']), 'certificate-not-trusted', /self-signed$/],
      ['expired', issue(['mx.example.test'], long), 'certificate-expired', /expired on/],
      ['of the recipient domain', issue(['rcpt.test']), 'certificate-host-mismatch', /not for mx\.example\.test$/],
      ['of a common name alone', issue([]), 'certificate-host-mismatch', /not for mx\.example\.test$/],
    ])('%s is none by MTA-STS, which enforced sends nothing, and testing tells (RFC 8461 §4.2)', async (...given) => {
      const [, certificate, result, reason] = given;
      const host = { name: 'mx.example.test' };
      const certificateNames = ['rcpt.test'];
      const failed = await connectTo(certificate, { tls: 'required', mtaSts: 'enforce', certificateNames }, host);
      expect(failed).toMatchObject({ stage: 'starttls', tlsResult: result, reason: expect.stringMatching(reason) });
      expect(sink!.transactions).toBe(0);
      for (const tls of ['preferred', 'required'] as const) {
        const opened = await connectTo(certificate, { tls, mtaSts: 'testing', certificateNames }, host);
        if (!isSession(opened)) throw new Error(opened.reason);
        expect(opened.tls).toMatchObject({ certificate: 'unverified', policyFault: { result } });
        await opened.send(transactionTo(['a@b.test']));
        expect(sink!.messages[0]?.secure).toBe(true);
        await opened.close();
      }
    });

    it('of the host itself holds by MTA-STS; one for the row alone is told of beside it (RFC 8461 §4.2)', async () => {
      const host = { name: 'mx.example.test' };
      for (const name of ['mx.example.test', '*.example.test'])
        for (const mtaSts of ['enforce', 'testing'] as const) {
          const opened = await connectTo(issue([name]), { tls: 'required', mtaSts }, host);
          if (!isSession(opened)) throw new Error(opened.reason);
          expect(opened.tls).toMatchObject({ certificate: 'verified' });
          expect(opened.tls?.policyFault).toBeUndefined();
          await opened.close();
        }
      const options = { tls: 'requiredVerify', mtaSts: 'testing', certificateNames: ['rcpt.test'] } as const;
      const opened = await connectTo(issue(['rcpt.test']), options, host);
      if (!isSession(opened)) throw new Error(opened.reason);
      expect(opened.tls).toMatchObject({
        certificate: 'verified',
        policyFault: { result: 'certificate-host-mismatch' },
      });
      await opened.close();
    });

    it('is not what a session in the clear has, which is had only where TLS is preferred', async () => {
      await startSink();
      expect(await failure({ tls: 'requiredVerify' })).toMatchObject({ stage: 'starttls' });
      const opened = await openTo(make(), sink!, { tls: 'preferredVerify' });
      expect(opened.tls).toBeUndefined();
      await opened.close();
    });

    describe('by TLSA records (R144, RFC 7672)', () => {
      const tlsa = (usage: number, selector: number, matching: number, { cert }: SelfSignedCertificate): TlsaRecord => {
        const certificate = new X509Certificate(cert);
        const octets = selector === 0 ? certificate.raw : certificate.publicKey.export({ type: 'spki', format: 'der' });
        const hash = matching === 1 ? 'sha256' : 'sha512';
        const data = matching === 0 ? octets : createHash(hash).update(octets).digest();
        return { usage, selector, matching, data };
      };
      const daneTo = (
        certificate: SelfSignedCertificate,
        ...records: TlsaRecord[]
      ): Promise<RelayConnection | SessionFailure> =>
        connectTo(certificate, { tls: 'required', dane: { base: 'mx.base.test', records } });

      const strange = makeCertificate(['strange.test'], long);
      const forBase = makeCertificate(['mx.base.test'], new Date(), { issuer: middle });
      const chained = whole(whole(forBase, middle), authority);

      it.each<[string, SelfSignedCertificate, TlsaRecord]>([
        ['311, whatever its dates and names', strange, tlsa(3, 1, 1, strange)],
        ['300', strange, tlsa(3, 0, 0, strange)],
        ['312', strange, tlsa(3, 1, 2, strange)],
        ['201 by the next authority', whole(forBase, middle), tlsa(2, 0, 1, middle)],
        ['211 by the last authority', chained, tlsa(2, 1, 1, authority)],
        ["201 for the host's own name", whole(behindMiddle, middle), tlsa(2, 0, 1, middle)],
      ])('holds by %s, and is asked for by the name of the records', async (_what, certificate, record) => {
        const opened = await daneTo(certificate, record);
        if (!isSession(opened)) throw new Error(opened.reason);
        expect(opened.tls).toMatchObject({ certificate: 'dane' });
        await opened.send(transactionTo(['a@b.test']));
        expect(sink!.messages[0]).toMatchObject({ secure: true, serverName: 'mx.base.test' });
        await opened.close();
      });

      it.each<[string, SelfSignedCertificate, TlsaRecord, RegExp]>([
        ['another key', strange, tlsa(3, 1, 1, authority), /no certificate matches its TLSA records/],
        [
          'one that another authority vouches for',
          issue(['mx.base.test']),
          tlsa(2, 0, 1, middle),
          /no certificate matches/,
        ],
        [
          'the name of another',
          whole(makeCertificate(['x.test'], undefined, { issuer: middle }), middle),
          tlsa(2, 0, 1, middle),
          /is for none of mx\.base\.test, localhost/,
        ],
        [
          'dates that are over',
          whole(makeCertificate(['mx.base.test'], long, { issuer: middle }), middle),
          tlsa(2, 0, 1, middle),
          /not within its dates/,
        ],
        [
          'a chain that only looks like one',
          whole(issue(['mx.base.test']), middle),
          tlsa(2, 0, 1, middle),
          /no certificate matches|do not lead/,
        ],
      ])('does not hold with %s: nothing is sent, not even in the clear', async (_what, certificate, record, fault) => {
        const failed = await daneTo(certificate, record);
        expect(failed).toMatchObject({ stage: 'starttls', reason: expect.stringMatching(fault) });
        expect([sink!.transactions, sink!.connections]).toEqual([0, 1]);
      });
    });

    it('of its own is shown to a host that asks for it', async () => {
      const own = makeCertificate(['gateway.test']);
      const files = { certificate: join(folder, 'own.pem'), key: join(folder, 'own.key') };
      await writeFile(files.certificate, own.cert);
      await writeFile(files.key, own.key);
      const running = await startSink({ tls: true, asksForCertificate: true });
      const connection = await openTo(driver.make(PATIENT, files), running, { tls: 'required' });
      await connection.send(transactionTo(['a@b.test']));
      await connection.close();
      expect(running.messages[0]?.clientName).toBe('gateway.test');
    });
  });

  describe('AUTH (R152)', () => {
    const mechanisms = ['SCRAM-SHA-256', 'CRAM-MD5', 'PLAIN', 'LOGIN'];

    it.each(mechanisms)('with %s gets in with the right password and not with a wrong one', async (mechanism) => {
      const running = await startSink({ tls: true, authentication: { ...CREDENTIALS, mechanisms: [mechanism] } });
      const credentials = { ...CREDENTIALS, allowClear: false };
      const connection = await openTo(driver.make(PATIENT), running, { tls: 'required', credentials });
      await connection.send(transactionTo(['a@b.test']));
      expect(running.messages[0]?.username).toBe(CREDENTIALS.username);
      await connection.close();
      const wrong = await failure({ tls: 'required', credentials: { ...credentials, password: 'guess' } });
      expect(wrong).toMatchObject({ stage: 'auth', reply: { code: 535 } });
    });

    it('takes the strongest mechanism', async () => {
      const lines: string[] = [];
      const running = await startSink({
        authentication: { ...CREDENTIALS, mechanisms: mechanisms.toReversed() },
        onStep: ({ line }) => void lines.push(line),
      });
      const credentials = { ...CREDENTIALS, allowClear: true };
      await (await openTo(driver.make(PATIENT), running, { credentials })).close();
      expect(lines.find((line) => line.startsWith('AUTH'))).toMatch(new RegExp(`^AUTH ${mechanisms[0]}`));
    });

    it('never shows a password in the clear unless that is allowed', async () => {
      const lines: string[] = [];
      const authentication = { ...CREDENTIALS, mechanisms: ['PLAIN', 'LOGIN'] };
      await startSink({ authentication, onStep: ({ line }) => void lines.push(line) });
      const failed = await failure({ credentials: { ...CREDENTIALS, allowClear: false } });
      expect(failed).toMatchObject({ stage: 'auth' });
      expect(lines.filter((line) => line.startsWith('AUTH'))).toEqual([]);
      const connection = await openTo(driver.make(PATIENT), sink!, {
        credentials: { ...CREDENTIALS, allowClear: true },
      });
      await connection.send(transactionTo(['a@b.test']));
      expect(sink!.messages[0]?.username).toBe(CREDENTIALS.username);
      await connection.close();
    });

    it('that is not offered means no session: nothing is sent unauthenticated', async () => {
      const running = await startSink();
      const credentials = { ...CREDENTIALS, allowClear: true };
      expect(await failure({ credentials })).toMatchObject({ stage: 'auth' });
      expect(running.transactions).toBe(0);
    });
  });
}
