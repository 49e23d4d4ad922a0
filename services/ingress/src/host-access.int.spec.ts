/** The host access table over real sockets: clients come from 127.0.0.x, names from a table that stands in for the DNS. */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import {
  type FlowParameters,
  HostAccessTable,
  type HostAccessRow,
  type MailPolicy,
  MailPolicyTable,
  type RecipientAccessEntry,
  RecipientAccessTable,
  type RecipientBoard,
  type RecipientNews,
  RecipientRewriting,
  VirtualGatewayMap,
} from '@mailyard/access';
import { DkimProfileTable } from '@mailyard/configuration';
import type { Domain } from '@mailyard/mail';
import { type MailEvent, type MessageAccepted, type QueueLog, type QueueRecord } from '@mailyard/queue';
import { onMailEvent } from '@mailyard/telemetry';
import { makeCertificate } from '@mailyard/testkit/certificate';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { type Ingress, startIngress } from './start-ingress.ts';

const records: QueueRecord[] = [];
let events: MailEvent[] = [];
let ingress: Ingress | undefined;
let stopListening = (): void => undefined;
const sockets: Socket[] = [];

beforeEach(() => {
  stopListening = onMailEvent((event) => void events.push(event));
});

afterEach(async () => {
  stopListening();
  for (const socket of sockets.splice(0)) socket.destroy();
  await ingress?.stop(0);
  ingress = undefined;
  records.length = 0;
  events = [];
});

const unused = (): never => {
  throw new Error('ingress has no business here');
};

const queueLog: QueueLog = {
  partitionCount: 1,
  maxBatchOctets: 1_048_576,
  sizeOf: () => 100,
  append(_partition, batch) {
    records.push(...batch);
    return Promise.resolve({ firstOffset: 0, appendTime: Date.now() });
  },
  join: unused,
  follow: unused,
  read: unused,
  trim: unused,
  bounds: unused,
  close: unused,
};

interface Setting {
  readonly rows?: readonly HostAccessRow[];
  readonly listeners?: readonly string[];
  readonly names?: Readonly<Record<string, readonly string[]>>;
  readonly addresses?: Readonly<Record<string, readonly string[]>>;
  readonly rat?: readonly RecipientAccessEntry[];
  readonly outgoing?: readonly MailPolicy[];
  readonly board?: RecipientBoard;
  /** Where there is no table at first. */
  readonly isReady?: () => boolean;
  readonly tls?: { readonly certificate: string; readonly key: string };
}

const names: string[] = [];

async function start(setting: Setting): Promise<readonly number[]> {
  const {
    rows = [],
    listeners = ['public'],
    rat = [{ recipient: 'x.example', action: 'ACCEPT' }],
    outgoing = [],
  } = setting;
  names.length = 0;
  const hosts = HostAccessTable.read(rows, []);
  if (!(hosts instanceof HostAccessTable)) throw new Error(JSON.stringify(hosts));
  const access = {
    recipients: RecipientAccessTable.read(rat) as RecipientAccessTable,
    policies: MailPolicyTable.read([]) as MailPolicyTable,
    outgoing: MailPolicyTable.read(outgoing) as MailPolicyTable,
    hosts,
    gateways: VirtualGatewayMap.EMPTY,
    rewriting: RecipientRewriting.NONE,
    version: 1,
    dkim: DkimProfileTable.EMPTY,
  };
  let icid = 0;
  const plan = (listener: string) => ({
    host: '127.0.0.1',
    port: 0,
    receiver: {
      hostname: 'mx.example',
      maxMessageOctets: 1_000_000,
      maxRecipients: 100,
      maxConnections: 100,
      maxConnectionsPerClient: 100,
      maxErrors: 20,
      commandTimeoutMs: 60_000,
      contentTimeoutMs: 60_000,
      nextIcid: () => String(++icid),
      ...(setting.tls === undefined ? {} : { tls: setting.tls }),
    },
    settings: {
      hostname: 'mx.example',
      listener,
      inlineOctets: 100_000,
      maxAgeSeconds: 259_200,
      maxReceivedFields: 100,
    },
  });
  ingress = await startIngress(listeners.map(plan), {
    queueLog,
    bodyStore: { put: unused, get: unused, delete: unused, list: unused, check: unused, close: unused },
    routes: { peek: () => undefined, lookup: () => Promise.resolve('unknown'), onChange: () => undefined, version: 1 },
    access: { current: () => (setting.isReady?.() === false ? undefined : access) },
    pressure: { publish: () => undefined, read: () => 0 },
    health: { away: () => undefined, localShare: () => 0 },
    clock: { now: () => Date.now(), random: (octets) => crypto.getRandomValues(new Uint8Array(octets)) },
    dns: {
      namesOf: async (address) => {
        names.push(address);
        return (setting.names?.[address] ?? []) as readonly Domain[];
      },
      addressesOf: async (name) => setting.addresses?.[name] ?? [],
    },
    ...(setting.board === undefined ? {} : { recipientBoard: setting.board }),
  });
  return ingress.addresses.map(({ port }) => port);
}

/** One client. Commands go in one by one; each answer is the last line of its reply. */
class Client {
  readonly socket: Socket;
  reset = false;
  #text = '';
  #closed: Promise<unknown>;

  constructor(port: number, localAddress = '127.0.0.1') {
    this.socket = connect({ host: '127.0.0.1', port, localAddress });
    sockets.push(this.socket);
    this.socket.setEncoding('latin1').on('data', (text: string) => (this.#text += text));
    this.socket.on('error', (error: NodeJS.ErrnoException) => (this.reset = error.code === 'ECONNRESET'));
    this.#closed = new Promise((resolve) => this.socket.once('close', resolve));
  }

  async reply(): Promise<string> {
    for (;;) {
      const last = /^\d{3} .*\r\n/m.exec(this.#text);
      if (last !== null) {
        const whole = this.#text.slice(0, last.index + last[0].length);
        this.#text = this.#text.slice(whole.length);
        return whole.trimEnd();
      }
      await Promise.race([once(this.socket, 'data'), this.#closed.then(() => Promise.reject(new Error('closed')))]);
    }
  }

  async say(line: string): Promise<string> {
    this.socket.write(`${line}\r\n`);
    return this.reply();
  }

  /** All that came until the end. */
  async rest(): Promise<string> {
    await this.#closed;
    return this.#text;
  }

  async send(recipient: string): Promise<string> {
    const said = [await this.say('MAIL FROM:<s@o.example>'), await this.say(`RCPT TO:<${recipient}>`)];
    const refused = said.find((line) => !line.startsWith('250'));
    if (refused !== undefined) return refused;
    await this.say('DATA');
    return this.say('Subject: x\r\n\r\nx\r\n.');
  }
}

async function greeted(port: number, localAddress?: string): Promise<Client> {
  const client = new Client(port, localAddress);
  await client.reply();
  await client.say('EHLO c.example');
  return client;
}

function row(
  source: string,
  action: 'ACCEPT' | 'RELAY' | 'REJECT' | 'TCPREFUSE',
  parameters: FlowParameters = {},
): HostAccessRow {
  return { listener: '', group: '', sources: [{ source }], rule: { action, parameters } };
}

const accepted = (): MessageAccepted[] => records.filter((record) => record.type === 'MessageAccepted');
const kinds = (): string[] => events.map(({ kind }) => kind);

describe('a client of a listener', () => {
  it('relays only from a source that a row names, and only the table decides for all others (R124)', async () => {
    const [port] = await start({ rows: [row('127.0.0.2', 'RELAY')] });
    const relay = await greeted(port!, '127.0.0.2');
    expect(await relay.send('u@anywhere.test')).toMatch(/^250/);
    expect(await relay.send('u@x.example')).toMatch(/^250/);
    const other = await greeted(port!, '127.0.0.3');
    expect(await other.send('u@anywhere.test')).toMatch(/^550 5\.7\.1/);
    expect(await other.say('RSET')).toMatch(/^250/);
    expect(await other.send('u@x.example')).toMatch(/^250/);
    expect(accepted().map(({ injection }) => [injection.senderGroup, injection.relayed])).toEqual([
      ['None', true],
      ['None', true],
      ['None', undefined],
    ]);
  });

  it('meets the outgoing mail policies when it relays, wherever its recipients are (R110)', async () => {
    const stamp: MailPolicy = {
      name: 'stamp',
      sender: { members: [] },
      recipient: { members: [] },
      actions: { subjectTag: '[out]' },
    };
    const [port] = await start({ rows: [row('127.0.0.2', 'RELAY')], outgoing: [stamp] });
    expect(await (await greeted(port!, '127.0.0.2')).send('u@x.example')).toMatch(/^250/);
    expect(await (await greeted(port!, '127.0.0.3')).send('u@x.example')).toMatch(/^250/);
    expect(accepted().map(({ copies }) => copies.map(({ policy }) => policy))).toEqual([['stamp'], ['DEFAULT']]);
    expect(events.flatMap((event) => (event.kind === 'accepted' ? [event.relayed === true] : []))).toEqual([
      true,
      false,
    ]);
  });

  it('is reset without a banner by TCPREFUSE, and reads the code and text of REJECT (R124)', async () => {
    const [port] = await start({
      rows: [
        row('127.0.0.2', 'TCPREFUSE'),
        row('127.0.0.3', 'REJECT', { smtp_banner_code: '521', smtp_banner_text: 'no thanks' }),
        row('127.0.0.4', 'REJECT'),
      ],
    });
    const refused = new Client(port!, '127.0.0.2');
    expect(await refused.rest()).toBe('');
    expect(refused.reset).toBe(true);
    expect(await new Client(port!, '127.0.0.3').rest()).toBe('521 no thanks\r\n');
    expect(await new Client(port!, '127.0.0.4').rest()).toBe('554 Access denied\r\n');
    expect(await new Client(port!, '127.0.0.5').reply()).toBe('220 mx.example ESMTP');
    await vi.waitFor(() => expect(kinds().filter((kind) => kind === 'injectionClosed')).toHaveLength(3));
    expect(events.flatMap((event) => (event.kind === 'injectionJudged' ? [event.action] : []))).toEqual([
      'TCPREFUSE',
      'REJECT',
      'REJECT',
      'ACCEPT',
    ]);
  });

  it('is rejected at RCPT where that was asked for, with sender and recipient logged, and nothing is taken (R125)', async () => {
    const [port] = await start({ rows: [row('127.0.0.2', 'REJECT', { delayed_rejection: 'on' })] });
    const client = await greeted(port!, '127.0.0.2');
    expect(await client.send('u@x.example')).toBe('554 5.7.1 Access denied');
    expect(await client.say('DATA')).toMatch(/^554/);
    expect(events).toContainEqual(expect.objectContaining({ kind: 'recipientRefused', forwardPath: 'u@x.example' }));
    expect(records).toEqual([]);
  });

  it('is found by a name that leads back to it, and by no name that somebody else made up (R123)', async () => {
    const setting: Setting = {
      rows: [row('.friend.test', 'RELAY'), row('friend.test', 'RELAY')],
      names: {
        '127.0.0.2': ['mx.friend.test'],
        '127.0.0.3': ['mx.friend.test', 'friend.test'],
        '127.0.0.4': ['other.test'],
      },
      addresses: {
        'mx.friend.test': ['192.0.2.1', '127.0.0.2'],
        'friend.test': ['192.0.2.1'],
        'other.test': ['127.0.0.4'],
      },
    };
    const [port] = await start(setting);
    expect(await (await greeted(port!, '127.0.0.2')).send('u@anywhere.test')).toMatch(/^250/);
    for (const address of ['127.0.0.3', '127.0.0.4', '127.0.0.5'])
      expect(await (await greeted(port!, address)).send('u@anywhere.test')).toMatch(/^550/);
    expect(events.flatMap((event) => (event.kind === 'injectionOpened' ? [event.names] : []))).toEqual([
      ['mx.friend.test'],
      [],
      ['other.test'],
      [],
    ]);
    expect(names).toEqual(['127.0.0.2', '127.0.0.3', '127.0.0.4', '127.0.0.5']);
  });

  it('is not looked up where its address decides (R123)', async () => {
    const [port] = await start({ rows: [row('127.0.0.2', 'ACCEPT'), row('.friend.test', 'RELAY')] });
    await greeted(port!, '127.0.0.2');
    expect(names).toEqual([]);
  });

  it('keeps to messages of a session, recipients and octets of a message, and connections (R126)', async () => {
    const limits = {
      max_msgs_per_session: '2',
      max_rcpts_per_msg: '1',
      max_message_size: '1K',
      max_concurrency: '1',
      override_hostname: 'front.example',
      smtp_banner_text: 'welcome',
    };
    const [port] = await start({ rows: [row('127.0.0.2', 'ACCEPT', limits)] });
    const client = new Client(port!, '127.0.0.2');
    expect(await client.reply()).toBe('220 front.example ESMTP welcome');
    expect(await client.say('EHLO c.example')).toContain('SIZE 1024\r\n');
    const second = new Client(port!, '127.0.0.2');
    expect(await second.rest()).toBe('421 4.7.0 Too many connections from your address\r\n');
    expect(await client.say('MAIL FROM:<s@o.example> SIZE=2000')).toMatch(/^552 5\.3\.4/);
    expect(await client.say('MAIL FROM:<s@o.example>')).toMatch(/^250/);
    expect(await client.say('RCPT TO:<u@x.example>')).toMatch(/^250/);
    expect(await client.say('RCPT TO:<v@x.example>')).toMatch(/^452 4\.5\.3/);
    expect(await client.say('DATA')).toMatch(/^354/);
    expect(await client.say(`${'x'.repeat(900)}\r\n${'x'.repeat(900)}\r\n.`)).toMatch(/^552 5\.3\.4/);
    expect(await client.send('u@x.example')).toMatch(/^250/);
    expect(await client.say('MAIL FROM:<s@o.example>')).toBe('421 4.7.0 Too many messages for this session');
    await client.rest();
    await vi.waitFor(async () => expect(await new Client(port!, '127.0.0.2').reply()).toMatch(/^220/));
    expect(accepted()).toHaveLength(1);
  });

  it('must speak TLS where its policy says so, and is offered none where it says that (R126)', async () => {
    const { cert: certificate, key } = makeCertificate(['mx.example']);
    const [port] = await start({
      rows: [row('127.0.0.2', 'ACCEPT', { tls: 'required' }), row('127.0.0.3', 'ACCEPT', { tls: 'off' })],
      tls: { certificate, key },
    });
    expect(await (await greeted(port!, '127.0.0.2')).send('u@x.example')).toMatch(/^530 5\.7\.0/);
    const offered = async (address: string): Promise<string> => (await greeted(port!, address)).say('EHLO c.example');
    expect(await offered('127.0.0.2')).toContain('STARTTLS');
    expect(await offered('127.0.0.3')).not.toContain('STARTTLS');
    expect(await (await greeted(port!, '127.0.0.3')).say('STARTTLS')).toMatch(/^502/);
    const client = await greeted(port!, '127.0.0.2');
    expect(await client.say('STARTTLS')).toMatch(/^220/);
    client.socket.removeAllListeners('data');
    const secured = connectTls({ socket: client.socket, rejectUnauthorized: false });
    secured.setEncoding('latin1');
    await once(secured, 'secureConnect');
    secured.write('EHLO c.example\r\nMAIL FROM:<s@o.example>\r\n');
    let said = '';
    for await (const piece of secured) if (/\r\n250 2\.1\.0 /.test((said += String(piece)))) break;
  });

  it('has so many recipients an hour over all listeners, each with its own threshold (R128, R134)', async () => {
    const hourly = (listener: string, count: string): HostAccessRow => ({
      ...row('127.0.0.2', 'ACCEPT', { max_rcpts_per_hour: count, max_rcpts_per_hour_text: 'slow down' }),
      listener,
    });
    const [one, other, free] = await start({
      rows: [hourly('one', '2'), hourly('other', '3'), { ...row('10/8', 'RELAY'), listener: 'free' }],
      listeners: ['one', 'other', 'free'],
      rat: [
        { recipient: 'abuse@', action: 'ACCEPT', bypassReceivingControl: true },
        { recipient: 'x.example', action: 'ACCEPT' },
      ],
    });
    expect(await (await greeted(free!, '127.0.0.2')).send('u@x.example')).toMatch(/^250/);
    const client = await greeted(one!, '127.0.0.2');
    expect(await client.send('u@x.example')).toMatch(/^250/);
    expect(await client.send('u@x.example')).toBe('452 4.7.1 slow down');
    expect(await client.say('RCPT TO:<abuse@x.example>')).toMatch(/^250/);
    const elsewhere = await greeted(other!, '127.0.0.2');
    expect(await elsewhere.send('u@x.example')).toMatch(/^250/);
    expect(await elsewhere.send('u@x.example')).toMatch(/^452/);
    expect(await (await greeted(one!, '127.0.0.3')).send('u@x.example')).toMatch(/^250/);
  });

  it('is counted with what other processes counted of it, and by its own where they are away (R128)', async () => {
    const told: RecipientNews[] = [];
    let isAway = false;
    const board: RecipientBoard = {
      share: async (news) => {
        if (isAway) throw new Error('away');
        told.push(...news);
        return news.map((each) => ({ ...each, recipients: 9, before: 0 }));
      },
    };
    const [port] = await start({ rows: [row('127/8', 'ACCEPT', { max_rcpts_per_hour: '9' })], board });
    const client = await greeted(port!, '127.0.0.2');
    expect(await client.send('u@x.example')).toMatch(/^250/);
    await vi.waitFor(() => expect(told).toMatchObject([{ client: '127.0.0.2', recipients: 1 }]), 45_000);
    expect(await client.send('u@x.example')).toMatch(/^452/);
    isAway = true;
    const other = await greeted(port!, '127.0.0.3');
    for (let n = 0; n < 9; n++) expect(await other.send('u@x.example')).toMatch(/^250/);
    expect(await other.send('u@x.example')).toMatch(/^452/);
  });

  it('comes again where it came before there was a table with rows', async () => {
    let isReady = false;
    const [port] = await start({ rows: [row('127.0.0.2', 'REJECT')], isReady: () => isReady });
    const client = await greeted(port!, '127.0.0.2');
    expect(await client.say('MAIL FROM:<s@o.example>')).toMatch(/^451/);
    isReady = true;
    expect(await client.say('MAIL FROM:<s@o.example>')).toMatch(/^421 4\.3\.2/);
  });

  it('leaves nothing behind when it goes while its names are looked up', async () => {
    const [port] = await start({ rows: [row('.friend.test', 'RELAY')], names: {} });
    const client = new Client(port!, '127.0.0.2');
    await once(client.socket, 'connect');
    client.socket.resetAndDestroy();
    await vi.waitFor(() => expect(kinds()).toContain('injectionClosed'));
    expect(kinds()).toEqual(['injectionOpened', 'injectionJudged', 'injectionClosed']);
  });

  it('is told of by nobody where there are no rows, as before there was a table', async () => {
    const [port] = await start({});
    expect(await (await greeted(port!)).send('u@x.example')).toMatch(/^250/);
    expect(accepted()[0]?.injection).not.toHaveProperty('senderGroup');
    expect(kinds()).not.toContain('injectionJudged');
  });
});
