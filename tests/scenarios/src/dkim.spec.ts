/** Outgoing mail is signed once, and strangers can verify it (RFC 6376, RFC 8463): by dkimpy, keys from a DNS of the test. */
import { spawn } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { DnsServer } from '@mailyard/testkit/dns-server';
import { DEBIAN_PYTHON } from '@mailyard/testkit/services/installation';
import { describeWith } from '@mailyard/testkit/services/require-service';
import { createTransport, type SendMailOptions } from 'nodemailer';
import { expect, it } from 'vitest';
import { type Gateway, mailyard } from './gateway.ts';
import { message, Scenario, untilStatus } from './scenario.ts';
import { waitFor } from './wait-for.ts';

interface Found {
  readonly domain: string;
  readonly selector: string;
  readonly algorithm: string;
  readonly holds: boolean;
  readonly problem: string | null;
}

/** What dkimpy finds in a message. */
async function verified(content: Buffer | string, dns: DnsServer): Promise<readonly Found[]> {
  const child = spawn(DEBIAN_PYTHON, [join(import.meta.dirname, 'dkim-verify.py'), String(dns.port)]);
  child.stdin.end(content);
  const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr)]);
  expect(stderr).toBe('');
  return JSON.parse(stdout) as readonly Found[];
}

interface World {
  readonly scenario: Scenario;
  readonly dns: DnsServer;
  readonly gateway: Gateway;
  readonly settings: string;
  apply(configuration: string): Promise<string>;
  /** Makes a key in the scenario's folder and publishes it. @returns its file */
  key(name: string, domain: string, ...words: string[]): Promise<string>;
  mailLog(): Promise<string>;
}

const BOTH = ['rsa-sha256', 'ed25519-sha256'];

async function begin(scenario: Scenario): Promise<World> {
  const dns = await DnsServer.start();
  scenario.onEnd(() => dns.stop());
  const settings = join(scenario.folder, 'mailyard.yaml');
  const log = join(scenario.folder, 'mail.log');
  await writeFile(settings, `hostname: mx.example.net\ntelemetry: { mailLog: ${log} }\n`);
  const gateway = await scenario.gateway(['--config', settings]);
  return {
    scenario,
    dns,
    gateway,
    settings,
    async apply(configuration) {
      const file = join(scenario.folder, 'configuration.yaml');
      await writeFile(file, configuration);
      const applied = await gateway.command('apply', '-f', file, 'yes');
      expect(applied).toMatchObject({ status: 0 });
      return applied.stderr;
    },
    async key(name, domain, ...words) {
      const file = join(scenario.folder, `${name}.pem`);
      const place = ['--domain', domain, '--selector', name];
      const made = await mailyard(['dkim', 'keygen', file, '--json', ...place, ...words]);
      expect(made).toMatchObject({ status: 0 });
      const record = JSON.parse(made.stdout) as { name: string; text: string };
      // A string of a TXT record has 255 octets at most.
      dns.zone = { ...dns.zone, [record.name]: { txt: [record.text.match(/.{1,255}/g)!] } };
      return file;
    },
    mailLog: () => readFile(log, 'utf8'),
  };
}

/** Relays for 127.0.0.1, not for 127.0.0.2; all mail goes to one sink; two keys for origin.example. */
async function signing(world: World, port: number, more = ''): Promise<void> {
  const rsa = await world.key('rsa', 'origin.example');
  const ed25519 = await world.key('ed', 'origin.example', '--type', 'ed25519');
  await world.apply(
    [
      `routes: { ALL: "127.0.0.1:${port}" }`,
      'rat: [example.com]',
      'hat: [{ source: 127.0.0.1, action: RELAY }, { source: 127.0.0.3, action: RELAY, parameters: { dkim_signing: off } }]',
      'dkimProfiles:',
      `  rsa: { domain: origin.example, selector: rsa, key: { file: ${rsa} } }`,
      `  ed: { domain: origin.example, selector: ed, key: { file: ${ed25519} }, expiresAfterSeconds: 604800 }`,
      more,
    ].join('\n'),
  );
}

async function sendFrom(gateway: Gateway, localAddress: string, mail: SendMailOptions): Promise<void> {
  const client = createTransport({ host: '127.0.0.1', port: gateway.smtpPort, ignoreTLS: true, localAddress });
  try {
    await client.sendMail(mail);
  } finally {
    client.close();
  }
}

const raw = (content: string | Buffer): SendMailOptions => ({
  envelope: { from: 'sender@origin.example', to: ['u@example.com', 'v@elsewhere.example'] },
  raw: content,
});

/** Of a test, in milliseconds: each runs the command line several times. */
const PATIENCE_MS = 300_000;

await describeWith(['python-dkim'], 'DKIM', () => {
  it(
    'signs what it relays, by each profile of its author, and others verify it',
    async () => {
      await using scenario = await Scenario.begin();
      const sink = await scenario.sink();
      const world = await begin(scenario);
      await signing(world, sink.port);
      const header =
        'From: =?utf-8?q?J=C3=B6rg?= <sender@origin.example>\r\nTo: u@example.com,\r\n\tv@elsewhere.example\r\n';
      const contents = {
        plain: 'Subject:  two   blanks\r\n\r\nHello \t there \r\n\r\n\r\n',
        dots: 'Subject: dots\r\n\r\n.\r\n..\r\n...stuffed\r\n\r\n.\r\n',
        empty: 'Subject: no body\r\n\r\n',
        'header only': 'Subject: no empty line\r\n',
        'eight bit': 'Subject: eight bit\r\nContent-Type: text/plain; charset=utf-8\r\n\r\nGr\u00fc\u00dfe \u00a0\r\n',
        large: `Subject: large\r\n\r\n${'  0123456789 abcdef\t\r\n'.repeat(150_000)}`,
        'long line': `Subject: long\r\n\r\n${'x '.repeat(60_000)}\r\n`,
      };
      const client = scenario.client(world.gateway);
      for (const [name, content] of Object.entries(contents)) {
        const before = sink.messages.length;
        await client.sendMail(raw(`${header}${content}`));
        await sink.until(({ messages }) => messages.length > before, 60_000);
        const found = await verified(sink.messages[before]!.content, world.dns);
        expect(found.map(({ algorithm, holds, problem }) => ({ name, algorithm, holds, problem }))).toEqual(
          BOTH.map((algorithm) => ({ name, algorithm, holds: true, problem: null })),
        );
      }
      // The verifier is one: it sees what was changed.
      const changed = String(sink.messages[0]!.content).replace('two', 'three');
      expect((await verified(changed, world.dns)).map(({ holds }) => holds)).toEqual([false, false]);
      await waitFor(
        async () => /MID \S+ DKIM: signing with rsa - matches sender@origin\.example/.test(await world.mailLog()),
        60_000,
      );
    },
    PATIENCE_MS,
  );

  it(
    'signs no mail that it only takes, of others than its authors, or where the mail flow policy says so',
    async () => {
      await using scenario = await Scenario.begin();
      const sink = await scenario.sink();
      const world = await begin(scenario);
      await signing(world, sink.port);
      const own = message(['u@example.com']);
      await sendFrom(world.gateway, '127.0.0.2', own);
      await sendFrom(world.gateway, '127.0.0.3', own);
      await sendFrom(world.gateway, '127.0.0.1', { ...own, from: 'sender@sub.origin.example' });
      await sink.until(({ accepted }) => accepted === 3, 60_000);
      for (const { content } of sink.messages) expect(String(content)).toMatch(/^Received: /);
      await sendFrom(world.gateway, '127.0.0.1', own);
      await sink.until(({ accepted }) => accepted === 4, 60_000);
      expect((await verified(sink.messages[3]!.content, world.dns)).map(({ holds }) => holds)).toEqual([true, true]);
    },
    PATIENCE_MS,
  );

  it(
    'sends the same octets again, also after it died (I9, I11)',
    async () => {
      await using scenario = await Scenario.begin();
      const contents: string[] = [];
      const sink = await scenario.sink({
        onStep({ step, content }) {
          if (step === 'dot') contents.push(String(content));
          return step === 'dot' && contents.length < 3 ? '451 4.3.0 not now' : undefined;
        },
      });
      const world = await begin(scenario);
      await signing(world, sink.port);
      const { gateway } = world;
      await scenario.client(gateway).sendMail(message(['u@example.com']));
      await waitFor(() => contents.length === 1, 60_000);
      await untilStatus(gateway, ({ waiting }) => waiting === 1);
      expect((await gateway.command('queue', 'retry', '--all')).status).toBe(0);
      await waitFor(() => contents.length === 2, 60_000);
      await gateway.end('SIGKILL');
      const again = await scenario.gateway(['--config', world.settings]);
      await waitFor(async () => {
        await again.command('queue', 'retry', '--all');
        return contents.length === 3;
      }, 60_000);
      expect(new Set(contents).size).toBe(1);
      expect((await verified(contents[0]!, world.dns)).map(({ algorithm, holds }) => [algorithm, holds])).toEqual(
        BOTH.map((algorithm) => [algorithm, true]),
      );
    },
    PATIENCE_MS,
  );

  it(
    'signs each copy that mail policies make, under its own header (R91)',
    async () => {
      await using scenario = await Scenario.begin();
      const sink = await scenario.sink();
      const world = await begin(scenario);
      const tag =
        '{ name: tag, recipient: { members: [v@] }, actions: { subjectTag: "[out]", removeHeaders: [X-Secret] } }';
      await signing(world, sink.port, `outgoingPolicies: [${tag}]`);
      const mail = message(['u@example.com', 'v@elsewhere.example'], 'hello', { headers: { 'X-Secret': '1' } });
      await scenario.client(world.gateway).sendMail(mail);
      await sink.until(({ accepted }) => accepted === 2, 60_000);
      const texts = sink.messages.map(({ content }) => String(content)).sort();
      expect(texts.filter((one) => one.includes('Subject: [out] hello'))).toHaveLength(1);
      for (const one of texts) expect((await verified(one, world.dns)).map(({ holds }) => holds)).toEqual([true, true]);
    },
    PATIENCE_MS,
  );

  it(
    'signs its own reports where a profile is for its name',
    async () => {
      await using scenario = await Scenario.begin();
      const reports = await scenario.sink();
      const refusing = await scenario.sink({
        onStep: ({ step }) => (step === 'rcpt' ? '550 5.1.1 nobody' : undefined),
      });
      const world = await begin(scenario);
      const file = await world.key('own', 'mx.example.net');
      await world.apply(
        [
          `routes: { origin.example: "127.0.0.1:${reports.port}", ALL: "127.0.0.1:${refusing.port}" }`,
          'rat: [example.com]',
          `dkimProfiles: { own: { domain: mx.example.net, selector: own, key: { file: ${file} } } }`,
          '',
        ].join('\n'),
      );
      await scenario.client(world.gateway).sendMail(message(['u@example.com']));
      await reports.until(({ accepted }) => accepted === 1, 60_000);
      const [report] = reports.messages;
      expect(String(report!.content)).toContain('From: Mail Delivery System <MAILER-DAEMON@mx.example.net>');
      expect(await verified(report!.content, world.dns)).toEqual([
        { domain: 'mx.example.net', selector: 'own', algorithm: 'rsa-sha256', holds: true, problem: null },
      ]);
    },
    PATIENCE_MS,
  );

  it(
    'refuses mail for now while its key is away, and tells why; takes it once the key is there',
    async () => {
      await using scenario = await Scenario.begin();
      const sink = await scenario.sink();
      const world = await begin(scenario);
      const key = join(scenario.folder, 'late.pem');
      const configuration = (more: string) =>
        [
          `routes: { ALL: "127.0.0.1:${sink.port}" }`,
          'rat: [example.com]',
          'hat: [{ source: 127.0.0.1, action: RELAY }]',
          `dkimProfiles: { late: { domain: origin.example, selector: late, key: { file: ${key} }${more} } }`,
          '',
        ].join('\n');
      const warned = await world.apply(configuration(''));
      expect(warned).toContain(`the key of the DKIM signing profile late cannot be used on this machine`);
      const client = scenario.client(world.gateway);
      const mail = message(['u@example.com']);
      await expect(client.sendMail(mail)).rejects.toThrow(/451 4\.7\.5 Could not be signed, try again later/);
      await waitFor(async () => (await world.mailLog()).includes('Critical: Alarm dkim-key: profile late:'), 60_000);

      await world.apply(configuration(', allowUnsigned: true'));
      await client.sendMail(mail);
      await sink.until(({ accepted }) => accepted === 1, 60_000);
      expect(String(sink.messages[0]!.content)).toMatch(/^Received: /);

      await world.apply(configuration(''));
      await world.key('late', 'origin.example');
      await waitFor(
        () =>
          client.sendMail(mail).then(
            () => true,
            () => false,
          ),
        60_000,
      );
      await sink.until(({ accepted }) => accepted === 2, 60_000);
      expect((await verified(sink.messages[1]!.content, world.dns)).map(({ holds }) => holds)).toEqual([true]);
    },
    PATIENCE_MS,
  );

  it(
    'tells an administrator what to publish and whether it is, and never a key (R153)',
    async () => {
      await using scenario = await Scenario.begin();
      const world = await begin(scenario);
      const { gateway, dns } = world;
      await signing(world, 1);
      const pem = await readFile(join(scenario.folder, 'rsa.pem'), 'utf8');
      const secret = pem.split('\n')[3]!;

      const record = await gateway.command('dkim', 'record', 'rsa');
      expect(record.stdout).toMatch(
        /^rsa\._domainkey\.origin\.example\. IN TXT \( "v=DKIM1; k=rsa; p=[^"]+" "[^"]+" \)\n$/,
      );
      const test = (...words: string[]) => gateway.command('dkim', 'test', ...words, '--resolver', dns.address);
      expect(await test()).toMatchObject({
        status: 0,
        stdout: expect.stringMatching(/rsa .*2048 bits +published\n.*published/),
      });
      const { [`ed._domainkey.origin.example`]: ed, ...zone } = dns.zone;
      dns.zone = zone;
      expect(await test()).toMatchObject({ status: 1, stdout: expect.stringContaining('the DNS has no record there') });
      dns.zone = { ...zone, 'ed._domainkey.origin.example': { txt: ['v=DKIM1; k=ed25519; p=AAAA'] } };
      expect(await test('ed')).toMatchObject({ status: 1, stdout: expect.stringContaining('another key') });
      dns.zone = { ...zone, 'ed._domainkey.origin.example': ed! };
      expect(await test('ed')).toMatchObject({ status: 0 });
      expect((await gateway.command('dkim', 'record', 'none')).stderr).toContain('there is no signing profile "none"');
      const taken = await mailyard(['dkim', 'keygen', join(scenario.folder, 'rsa.pem')]);
      expect(taken).toMatchObject({ status: 1, stderr: expect.stringContaining('EEXIST') });
      expect(await readFile(join(scenario.folder, 'rsa.pem'), 'utf8')).toBe(pem);

      // The same again changes nothing, and what it says of keys is where they stand.
      const shown = await gateway.command('apply', '--show');
      expect(shown.stdout).toContain(`file: ${join(scenario.folder, 'rsa.pem')}`);
      await writeFile(join(scenario.folder, 'shown.yaml'), shown.stdout);
      const again = await gateway.command('apply', '-f', join(scenario.folder, 'shown.yaml'), 'yes');
      expect(again.stderr).toContain('nothing to change');

      const short = await world.key('short', 'origin.example', '--bits', '1024');
      const warned = await world.apply(
        `dkimProfiles: { short: { domain: origin.example, selector: short, key: { file: ${short} } } }\n`,
      );
      expect(warned).toContain('RSA of 1024 bits');
      await writeFile(
        join(scenario.folder, 'wrong.yaml'),
        'dkimProfiles:\n  a: { domain: x.example, selector: s, key: { file: /a } }\n  b: { domain: x.example, selector: S, key: { file: /b } }\n',
      );
      expect(await gateway.command('apply', '-f', join(scenario.folder, 'wrong.yaml'), 'yes')).toMatchObject({
        status: 1,
        stderr: expect.stringContaining('DKIM_SELECTOR_DUPLICATE'),
      });
      const history = await gateway.command('history', '2');
      for (const { stdout, stderr } of [record, shown, history, await gateway.command('dkim', 'list')])
        expect(stdout + stderr).not.toContain(secret);
      expect(gateway.output).not.toContain(secret);
    },
    PATIENCE_MS,
  );
});
