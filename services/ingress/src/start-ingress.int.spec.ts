/** Ingress over real sockets, with a log and a store that fail when told to. */
import { once } from 'node:events';
import { connect } from 'node:net';
import {
  type AliasRow,
  AliasTable,
  DomainMap,
  type DomainMapRow,
  type HostAccessRow,
  HostAccessTable,
  type MailPolicy,
  MailPolicyTable,
  RecipientAccessTable,
  RecipientRewriting,
  VirtualGatewayMap,
  type VirtualGatewayRow,
} from '@mailyard/access';
import { type DkimProfile, DkimProfileTable } from '@mailyard/configuration';
import type { DkimSigner, Signed } from '@mailyard/dkim';
import { MtaError } from '@mailyard/mail';
import type { BodyStore, MessageAccepted, QueueLog, QueueRecord, RecipientQueued } from '@mailyard/queue';
import type { RouteLookup } from '@mailyard/smtp-routes';
import { createTransport } from 'nodemailer';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { onMailEvent } from '@mailyard/telemetry';
import type { IngressPorts } from './context.ts';
import { type Ingress, startIngress } from './start-ingress.ts';

const batches: (readonly QueueRecord[])[] = [];
const bodies = new Map<string, Buffer>();
const faults: string[] = [];
let skewMs = 0;
/** What `put` waits for once it has all, how often it began to, and connections that were closed. */
let gate: Promise<void> | undefined;
let gated = 0;
let closed = 0;
let ingress: Ingress | undefined;

afterEach(async () => {
  await ingress?.stop(0);
  ingress = undefined;
  batches.length = 0;
  faults.length = 0;
  skewMs = 0;
  bodies.clear();
  gate = undefined;
  gated = closed = 0;
});

const stopListening = onMailEvent((event) => {
  if (event.kind === 'injectionClosed') closed++;
});
afterAll(stopListening);

const unused = (): never => {
  throw new Error('ingress has no business here');
};

const queueLog: QueueLog = {
  partitionCount: 4,
  maxBatchOctets: 1_048_576,
  sizeOf: (record) =>
    record.type === 'MessageAccepted'
      ? record.bodies.reduce((sum, body) => sum + (body.kind === 'inline' ? body.octets.length : 50), 200)
      : 100,
  append(_partition, records) {
    const fault = faults.shift();
    if (fault === 'lost acknowledgement') batches.push(records);
    // A refusal is repeated for some seconds: they pass at once.
    if (fault === 'refused') skewMs += 10_000;
    if (fault !== undefined)
      return Promise.reject(new MtaError(fault === 'refused' ? 'LOG_REFUSED' : 'LOG_UNCERTAIN', fault));
    batches.push(records);
    return Promise.resolve({ firstOffset: 0, appendTime: Date.now() });
  },
  join: unused,
  follow: unused,
  read: unused,
  trim: unused,
  bounds: unused,
  close: unused,
};

const bodyStore: BodyStore = {
  async put(key, content) {
    const pieces: Uint8Array[] = [];
    for await (const piece of content) pieces.push(Uint8Array.from(piece));
    if (faults[0] === 'store full') throw new MtaError('BODY_STORE_FULL', String(faults.shift()));
    gated++;
    await gate;
    bodies.set(key, Buffer.concat(pieces));
    return { sizeOctets: bodies.get(key)!.length, crc32: 0 };
  },
  get: unused,
  delete: (key) => Promise.resolve(void bodies.delete(key)),
  list: unused,
  check: unused,
  close: unused,
};

const routes: RouteLookup = {
  peek: () => undefined,
  lookup: () => Promise.resolve('unknown'),
  onChange: () => undefined,
  version: 1,
};

interface Change {
  readonly policies?: readonly MailPolicy[];
  readonly gateways?: readonly VirtualGatewayRow[];
  readonly domainMap?: readonly DomainMapRow[];
  readonly aliases?: readonly AliasRow[];
  readonly rows?: readonly HostAccessRow[];
  readonly dkim?: readonly DkimProfile[];
  readonly signer?: DkimSigner;
  readonly ready?: boolean;
  readonly share?: number;
  readonly away?: string;
  readonly localShare?: number;
  readonly engine?: 'native' | 'smtp-server';
}

async function start({
  policies = [],
  gateways = [],
  domainMap = [],
  aliases = [],
  rows = [],
  dkim = [],
  signer,
  ready = true,
  share = 0,
  away,
  localShare = 0,
  engine = 'native',
}: Change = {}): Promise<number> {
  const recipients = RecipientAccessTable.read([{ recipient: 'x.example', action: 'ACCEPT' }]) as RecipientAccessTable;
  const table = MailPolicyTable.read(policies) as MailPolicyTable;
  const hosts = HostAccessTable.read(rows, []) as HostAccessTable;
  const map = VirtualGatewayMap.read(gateways) as VirtualGatewayMap;
  const rewriting = new RecipientRewriting(
    DomainMap.read(domainMap) as DomainMap,
    AliasTable.read(aliases) as AliasTable,
  );
  const ports: IngressPorts = {
    queueLog,
    bodyStore,
    routes,
    access: {
      current: () =>
        ready
          ? {
              ...{ recipients, policies: table, outgoing: table, hosts, gateways: map, rewriting, version: 7 },
              dkim: new DkimProfileTable(dkim),
            }
          : undefined,
    },
    pressure: { publish: () => undefined, read: () => share },
    dns: { namesOf: unused, addressesOf: unused },
    ...(signer === undefined ? {} : { signer }),
    health: { away: () => away, localShare: () => localShare },
    clock: { now: () => Date.now() + skewMs, random: (octets) => crypto.getRandomValues(new Uint8Array(octets)) },
  };
  let icid = 0;
  const receiver = {
    hostname: 'mx.example',
    maxMessageOctets: 10_000_000,
    maxRecipients: 1000,
    maxConnections: 10,
    maxConnectionsPerClient: 10,
    maxErrors: 20,
    commandTimeoutMs: 60_000,
    contentTimeoutMs: 60_000,
    nextIcid: () => String(++icid),
  };
  const settings = {
    hostname: 'mx.example',
    listener: 'public',
    inlineOctets: 100_000,
    maxAgeSeconds: 259_200,
    maxReceivedFields: 100,
  };
  ingress = await startIngress([{ host: '127.0.0.1', port: 0, engine, receiver, settings }], ports);
  return ingress.addresses[0]!.port;
}

async function send(port: number, to: string[], raw = 'Subject: x\r\n\r\nhello\r\n'): Promise<string> {
  const client = createTransport({ host: '127.0.0.1', port, ignoreTLS: true });
  try {
    return (await client.sendMail({ envelope: { from: 'a@b.example', to }, raw })).response;
  } finally {
    client.close();
  }
}

const accepted = (batch: readonly QueueRecord[]): MessageAccepted => batch[0] as MessageAccepted;

describe('ingress', () => {
  it('appends one batch and names the message in the 250 (I1)', async () => {
    const response = await send(await start(), ['u@x.example', 'v@x.example']);
    expect(batches.length).toBe(1);
    const { message, copies, bodies: references } = accepted(batches[0]!);
    expect(response).toBe(`250 2.0.0 Ok: queued as ${message}`);
    expect(batches[0]!.map((record) => record.type)).toEqual(['MessageAccepted', 'RecipientQueued', 'RecipientQueued']);
    expect(copies.map((copy) => copy.policy)).toEqual(['DEFAULT']);
    const [body] = references;
    const text = body?.kind === 'inline' ? Buffer.from(body.octets).toString() : '';
    expect(text).toMatch(
      /^Received: from \S+ \(\[127\.0\.0\.1\]\)\r\n\tby mx\.example \(Mailyard\) with ESMTP id [^;]*;\r\n\t.*\r\nSubject: x\r\n\r\nhello\r\n$/,
    );
    expect(copies[0]?.sizeOctets).toBe(text.length);
  });

  it('takes mail by the package smtp-server where a listener wants it', async () => {
    const response = await send(await start({ engine: 'smtp-server' }), ['u@x.example', '"a b"@x.example']);
    expect(response).toBe(`250 2.0.0 Ok: queued as ${accepted(batches[0]!).message}`);
    expect(accepted(batches[0]!).recipientCount).toBe(2);
  });

  it('repeats an append whose outcome is unknown, with the same id (I1)', async () => {
    faults.push('lost acknowledgement', 'lost');
    const response = await send(await start(), ['u@x.example']);
    expect(batches.length).toBe(2);
    expect(new Set(batches.map((batch) => accepted(batch).message)).size).toBe(1);
    expect(response).toContain(accepted(batches[0]!).message);
  });

  it('answers 421 when the log refuses, and has appended nothing (I1)', async () => {
    faults.push('refused');
    await expect(send(await start(), ['u@x.example'])).rejects.toMatchObject({ responseCode: 421 });
    expect(batches).toEqual([]);
  });

  it('splits by policy, edits the header of a copy, and drops where a policy says so (R90, R96)', async () => {
    const policy = (name: string, member: string, actions: MailPolicy['actions']): MailPolicy => ({
      name,
      sender: { members: [] },
      recipient: { members: [member] },
      actions,
    });
    const port = await start({
      policies: [policy('tagged', 'u@', { subjectTag: '[ext]', priority: 3 }), policy('gone', 'w@', { drop: true })],
    });
    await send(port, ['v@x.example', 'w@x.example', 'u@x.example']);
    const [batch] = batches;
    const { copies, bodies: references } = accepted(batch!);
    expect(copies.map(({ policy: name, priority }) => [name, priority])).toEqual([
      ['tagged', 3],
      ['gone', 0],
      ['DEFAULT', 0],
    ]);
    expect(
      batch!
        .filter((record): record is RecipientQueued => record.type === 'RecipientQueued')
        .map(({ forwardPath, copy }) => [forwardPath, copy]),
    ).toEqual([
      ['v@x.example', 2],
      ['w@x.example', 1],
      ['u@x.example', 0],
    ]);
    expect(batch!.at(-1)).toMatchObject({ type: 'RecipientDropped', recipient: 1, reason: 'policy gone' });
    const [tagged] = copies;
    const whole = references[0]?.kind === 'inline' ? Buffer.from(references[0].octets) : Buffer.alloc(0);
    const sent = Buffer.concat([tagged!.prefix, whole.subarray(tagged!.skipOctets)]).toString();
    expect(sent).toMatch(/^Received: [^;]*;\r\n\t.*\r\nSubject: \[ext\] x\r\n\r\nhello\r\n$/);
    expect(tagged!.sizeOctets).toBe(sent.length);
  });

  it('keeps with the message the virtual gateway of whom it came from, and nothing where there is none (R147)', async () => {
    const port = await start({ gateways: [{ from: '@b.example', gateway: 'bulk' }] });
    await send(port, ['u@x.example', 'v@x.example']);
    expect(accepted(batches[0]!).gateway).toBe('bulk');
    await ingress?.stop(0);
    await send(await start({ gateways: [{ from: '192.0.2.5', gateway: 'bulk' }] }), ['u@x.example']);
    expect(accepted(batches[1]!)).not.toHaveProperty('gateway');
  });

  it('takes a recipient under the address of the domain map, then asks the access table, then the aliases (R136)', async () => {
    const port = await start({
      domainMap: [{ from: '@.old.example', to: '@x.example' }],
      aliases: [
        { alias: 'sales@x.example', to: ['ann', 'bob@elsewhere.example'] },
        { alias: 'void@x.example', to: ['/dev/null'] },
      ],
    });
    await send(port, ['sales@mail.old.example', 'ann@x.example', 'void@x.example', 'joe@x.example']);
    const [batch] = batches;
    const { message, expansions, recipientCount, bodies: references } = accepted(batch!);
    const queued = batch!.filter((record): record is RecipientQueued => record.type === 'RecipientQueued');
    expect(queued.map(({ forwardPath, orcpt }) => [forwardPath, orcpt])).toEqual([
      ['ann@x.example', 'rfc822;sales@mail.old.example'],
      ['bob@elsewhere.example', 'rfc822;sales@mail.old.example'],
      ['void@x.example', 'rfc822;void@x.example'],
      ['joe@x.example', undefined],
    ]);
    expect(recipientCount).toBe(4);
    expect(expansions).toEqual([
      {
        received: 'sales@mail.old.example',
        mapped: '@.old.example',
        alias: 'sales@x.example',
        version: 7,
        recipients: [0, 1],
      },
      { received: 'void@x.example', alias: 'void@x.example', version: 7, recipients: [2] },
    ]);
    expect(batch!.filter(({ type }) => type === 'RecipientDropped')).toEqual([
      expect.objectContaining({ message, recipient: 2, reason: 'alias void@x.example' }),
    ]);
    const [body] = references;
    expect(body?.kind === 'inline' ? Buffer.from(body.octets).toString() : '').not.toContain('elsewhere');
    // The access table is asked for what the map made of it, and never for where an alias leads.
    await expect(send(port, ['u@old.example'])).rejects.toMatchObject({ responseCode: 550 });
    await send(port, ['u@a.old.example']);
    expect(accepted(batches[1]!).expansions).toMatchObject([{ mapped: '@.old.example', recipients: [0] }]);
    await send(port, ['joe@x.example']);
    expect(accepted(batches[2]!)).not.toHaveProperty('expansions');
  });

  it('drops once who is dropped by an alias and by a policy (R64)', async () => {
    const policies = [
      { name: 'gone', sender: { members: [] }, recipient: { members: ['ALL'] }, actions: { drop: true } },
    ];
    await send(await start({ policies, aliases: [{ alias: '@x.example', to: ['/dev/null'] }] }), ['u@x.example']);
    const drops = batches[0]!.filter(({ type }) => type === 'RecipientDropped');
    expect(drops).toMatchObject([{ recipient: 0, reason: 'alias @x.example' }]);
  });

  describe('DKIM', () => {
    const PROFILE: DkimProfile = {
      name: 'own',
      domain: 'b.example',
      selector: 's1',
      key: { kind: 'file', file: '/nowhere' },
    };
    const row = (action: 'RELAY' | 'ACCEPT', parameters: Readonly<Record<string, string>> = {}): HostAccessRow[] => [
      { listener: '', group: '', sources: [{ source: '127.0.0.1' }], rule: { action, parameters } },
    ];
    const RAW = 'From: Ann <ann@b.example>\r\nSubject: x\r\n\r\n.hello\r\n..\r\n';
    /** Signs by what it was given: the length of the header, and the body. */
    const signer = (missing?: string): DkimSigner => ({
      begin(profiles) {
        let body = '';
        return {
          body: (piece) => void (body += Buffer.from(piece).toString('latin1')),
          async sign(header): Promise<Signed> {
            const field = `DKIM-Signature: ${header.length} ${JSON.stringify(body.slice(0, 40))} ${body.length}\r\n`;
            const signed = { fields: Buffer.from(field), by: profiles.map(({ name }) => name) };
            return missing === undefined ? signed : { ...signed, missing };
          },
        };
      },
    });
    const sentOf = ({ copies, bodies: references }: MessageAccepted, copy = 0): string => {
      const [reference] = references;
      const whole = reference?.kind === 'inline' ? reference.octets : bodies.get(reference!.key)!;
      const { prefix, skipOctets, sizeOctets } = copies[copy]!;
      const sent = Buffer.concat([prefix, whole.subarray(skipOctets)]);
      expect(sizeOctets).toBe(sent.length);
      return sent.toString('latin1');
    };
    /** Whether the field in front is of what stands behind it. */
    const expectSigned = (sent: string): void => {
      const [, length, body, size] = /^DKIM-Signature: (\d+) (".*?") (\d+)\r\n(?=\S)/.exec(sent) ?? [];
      const header = sent.slice(sent.indexOf('\r\n') + 2, sent.indexOf('\r\n\r\n') + 2);
      const text = sent.slice(sent.indexOf('\r\n\r\n') + 4);
      expect([length, body, size]).toEqual([
        String(header.length),
        JSON.stringify(text.slice(0, 40)),
        String(text.length),
      ]);
    };

    it('signs mail of who relays, its dots not stuffed, once and in its body', async () => {
      const port = await start({ rows: row('RELAY'), dkim: [PROFILE], signer: signer() });
      expect(await send(port, ['u@x.example', 'v@elsewhere.example'], RAW)).toMatch(/^250 /);
      const batch = accepted(batches[0]!);
      expect(batch.copies).toMatchObject([{ skipOctets: 0, prefix: { length: 0 } }]);
      expectSigned(sentOf(batch));
      expect(sentOf(batch)).toMatch(/\r\nReceived: [^]*\r\n\r\n\.hello\r\n\.\.\r\n$/);
    });

    it.each([
      ['of who may not relay', { rows: row('ACCEPT') }, RAW],
      ['where the mail flow policy says so', { rows: row('RELAY', { dkim_signing: 'off' }) }, RAW],
      ['of an author without a profile', { rows: row('RELAY') }, RAW.replace('ann@b.', 'ann@other.')],
      ['with two authors', { rows: row('RELAY') }, `From: eve@b.example\r\n${RAW}`],
      ['without profiles', { rows: row('RELAY'), dkim: [] }, RAW],
    ])('signs no mail %s', async (_, change, raw) => {
      const port = await start({ dkim: [PROFILE], signer: signer(), ...change });
      expect(await send(port, ['u@x.example'], raw)).toMatch(/^250 /);
      expect(sentOf(accepted(batches[0]!))).toMatch(/^Received: /);
    });

    it('goes by the envelope sender where From is no address', async () => {
      const port = await start({ rows: row('RELAY'), dkim: [PROFILE], signer: signer() });
      await send(port, ['u@x.example'], RAW.replace('Ann <ann@b.example>', 'nobody in particular'));
      expectSigned(sentOf(accepted(batches[0]!)));
    });

    it('signs each copy under the header that its policy leaves, and none that is dropped (R91)', async () => {
      const recipient = (member: string) => ({ sender: { members: [] }, recipient: { members: [member] } });
      const port = await start({
        rows: row('RELAY'),
        dkim: [PROFILE],
        signer: signer(),
        policies: [
          { name: 'tag', ...recipient('u@'), actions: { subjectTag: '[out]' } },
          { name: 'gone', ...recipient('v@'), actions: { drop: true } },
        ],
      });
      await send(port, ['u@x.example', 'v@x.example', 'w@x.example'], RAW);
      const batch = accepted(batches[0]!);
      expect(sentOf(batch, 0)).toContain('\r\nSubject: [out] x\r\n');
      expectSigned(sentOf(batch, 0));
      expectSigned(sentOf(batch, 2));
      expect(sentOf(batch, 1)).toMatch(/^Received: /);
    });

    it('signs what streams into the store, however its header is cut', async () => {
      const port = await start({ rows: row('RELAY'), dkim: [PROFILE], signer: signer() });
      const padding = `X-Padding: ${'y'.repeat(900)}\r\n`.repeat(80);
      const raw = `${padding}${RAW}${'0123456789abcdef\r\n'.repeat(50_000)}`;
      await send(port, ['u@x.example'], raw);
      const batch = accepted(batches[0]!);
      expect(batch.bodies[0]!.kind).toBe('stored');
      expectSigned(sentOf(batch));
    });

    it('refuses mail for now whose key is away, and keeps nothing of it', async () => {
      const port = await start({ rows: row('RELAY'), dkim: [PROFILE], signer: signer('own') });
      const large = `${RAW}${'0123456789abcdef\r\n'.repeat(50_000)}`;
      for (const raw of [RAW, large])
        await expect(send(port, ['u@x.example'], raw)).rejects.toThrow(/451 4\.7\.5 Could not be signed/);
      expect(batches).toHaveLength(0);
      await expect.poll(() => bodies.size).toBe(0);
    });
  });

  it('streams what is above the inline limit into the store, octet for octet', async () => {
    const raw = `Subject: x\r\n\r\n${'0123456789abcdef\r\n'.repeat(200_000)}`;
    await send(await start(), ['u@x.example'], raw);
    const [body] = accepted(batches[0]!).bodies;
    if (body?.kind !== 'stored') throw new Error('is not stored');
    const stored = bodies.get(body.key)!.toString();
    expect(stored.slice(stored.indexOf('Subject: x'))).toBe(raw);
    expect(body.sizeOctets).toBe(stored.length);
  });

  it('answers 452 when the store is full, and has appended nothing (row 25)', async () => {
    faults.push('store full');
    await expect(
      send(await start(), ['u@x.example'], `Subject: x\r\n\r\n${'a'.repeat(200_000)}\r\n`),
    ).rejects.toMatchObject({ responseCode: 452 });
    expect([batches.length, bodies.size]).toEqual([0, 0]);
  });

  it('refuses a message with more than 100 Received fields (R67)', async () => {
    const port = await start();
    await send(port, ['u@x.example'], `${'Received: x\r\n'.repeat(100)}\r\n`);
    await expect(send(port, ['u@x.example'], `${'Received: x\r\n'.repeat(101)}\r\n`)).rejects.toMatchObject({
      responseCode: 554,
    });
    expect(batches.length).toBe(1);
  });

  it('refuses recipients that the access table does not name', async () => {
    await expect(send(await start(), ['u@elsewhere.test'])).rejects.toMatchObject({ responseCode: 550 });
  });

  it.each([
    ['there is no table', { ready: false }, 451],
    ['pressure is at 85 % (R81)', { share: 0.85 }, 452],
    ['the local disk is at 85 % (R81)', { localShare: 0.85 }, 452],
    ['the log has no quorum', { away: 'no quorum' }, 421],
  ])('answers temporarily while %s', async (_name, change, code) => {
    await expect(send(await start(change), ['u@x.example'])).rejects.toMatchObject({ responseCode: code });
    expect(batches).toEqual([]);
  });

  it('answers MAIL later from 70 % on, by up to two seconds (R81)', async () => {
    const port = await start({ share: 0.71 });
    const begun = performance.now();
    await send(port, ['u@x.example']);
    expect(performance.now() - begun).toBeGreaterThan(130);
  });

  it('answers 421 at MAIL right after the log refused (row 12)', async () => {
    const port = await start();
    faults.push('refused');
    await expect(send(port, ['u@x.example'])).rejects.toMatchObject({ responseCode: 421, command: 'DATA' });
    await expect(send(port, ['u@x.example'])).rejects.toMatchObject({ responseCode: 421, command: 'MAIL FROM' });
  });

  it('refuses a header section of over 1 MB, in the store or not', async () => {
    await expect(
      send(await start(), ['u@x.example'], `A: ${'x'.repeat(1_100_000)}\r\n\r\nb\r\n`),
    ).rejects.toMatchObject({
      responseCode: 552,
    });
    expect([batches.length, bodies.size]).toEqual([0, 0]);
  });

  it('asks of the next hop only what the message needs (RFC 6152, RFC 6531 §3.6)', async () => {
    const port = await start();
    const dialog = (content: string): string =>
      `EHLO c\r\nMAIL FROM:<a@b.example> BODY=8BITMIME SMTPUTF8\r\nRCPT TO:<u@x.example>\r\nDATA\r\n${content}\r\n.\r\nQUIT\r\n`;
    for (const content of ['A: x\r\n\r\ny', 'A: x\r\n\r\n\u00e9', 'A: \u00e9\r\n\r\ny']) {
      const socket = connect(port, '127.0.0.1');
      socket.resume().end(dialog(content));
      await once(socket, 'close');
    }
    expect(batches.map((batch) => [accepted(batch).eightBit, accepted(batch).smtpUtf8])).toEqual([
      [false, false],
      [true, false],
      [true, true],
    ]);
  });

  it('keeps DSN parameters, and names no recipient where there are several (R96, RFC 3461)', async () => {
    const port = await start();
    const socket = connect(port, '127.0.0.1');
    socket
      .resume()
      .end(
        'EHLO c\r\nMAIL FROM:<> RET=HDRS ENVID=a+2Bb\r\nRCPT TO:<u@x.example> NOTIFY=DELAY ORCPT=rfc822;o@x.example\r\nRCPT TO:<v@x.example>\r\nDATA\r\n.\r\nQUIT\r\n',
      );
    await once(socket, 'close');
    const [batch] = batches;
    expect(accepted(batch!)).toMatchObject({ reversePath: null, ret: 'HDRS', envid: 'a+2Bb', recipientCount: 2 });
    expect(batch![1]).toMatchObject({ notify: 'DELAY', orcpt: 'rfc822;o@x.example' });
    const [body] = accepted(batch!).bodies;
    expect(body?.kind === 'inline' && Buffer.from(body.octets).toString()).not.toMatch(/[uv]@x\.example/);
  });

  it('appends nothing for a client that went away before (I1)', async () => {
    const port = await start();
    const { promise, resolve } = Promise.withResolvers<void>();
    gate = promise;
    const socket = connect(port, '127.0.0.1');
    let text = '';
    socket.setEncoding('latin1').on('data', (data: string) => (text += data));
    socket.write('EHLO c\r\nMAIL FROM:<a@b.example>\r\nRCPT TO:<u@x.example>\r\nDATA\r\n');
    while (!text.includes('354')) await once(socket, 'data');
    // The store takes the body but does not answer yet.
    socket.write(`A: x\r\n\r\n${'y'.repeat(200_000)}\r\n.\r\n`);
    while (gated === 0) await new Promise((next) => setTimeout(next, 5));
    socket.resetAndDestroy();
    while (closed === 0) await new Promise((next) => setTimeout(next, 5));
    resolve();
    await ingress!.stop(1000);
    while (bodies.size > 0) await new Promise((next) => setTimeout(next, 5));
    expect([batches.length, bodies.size]).toEqual([0, 0]);
  });

  it('keeps nothing of a message whose client went away in DATA (row 1)', async () => {
    const port = await start();
    const socket = connect(port, '127.0.0.1');
    socket.setEncoding('latin1');
    let text = '';
    socket.on('data', (data: string) => (text += data));
    socket.write(`EHLO c\r\nMAIL FROM:<a@b.example>\r\nRCPT TO:<u@x.example>\r\nDATA\r\n`);
    while (!text.includes('354')) await once(socket, 'data');
    socket.write(`Subject: x\r\n\r\n${'a'.repeat(300_000)}`);
    socket.end();
    await once(socket, 'close');
    await ingress!.stop(1000);
    expect([batches.length, bodies.size]).toEqual([0, 0]);
  });
});
