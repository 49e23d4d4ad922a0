import { setTimeout as sleep } from 'node:timers/promises';
import { SmtpSink } from '@mailyard/testkit/smtp-sink';
import { createTransport } from 'nodemailer';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Browser, startWebGateway, type WebGateway } from './web-gateway.suite.ts';

let web: WebGateway;
let sink: SmtpSink;
let ada: Browser;
let dead: string;

beforeAll(async () => {
  web = await startWebGateway();
  sink = await SmtpSink.start({});
  ada = await web.as('administrator', 'ada');
  const closed = await SmtpSink.start({});
  dead = `127.0.0.1:${closed.port}`;
  await closed.stop();
});
afterAll(async () => {
  await web.stop();
  await sink.stop();
});

async function until<T>(read: () => Promise<T>, holds: (value: T) => boolean): Promise<T> {
  for (const end = performance.now() + 20_000; ; await sleep(100)) {
    const value = await read();
    if (holds(value)) return value;
    if (performance.now() > end) throw new Error(`still ${JSON.stringify(value).slice(0, 1_000)}`);
  }
}

async function send(to: readonly string[], from = 'me@origin.example'): Promise<void> {
  const [host, port] = web.gateway.smtp[0]!.split(':');
  const client = createTransport({ host, port: Number(port), ignoreTLS: true });
  await client.sendMail({
    envelope: { from, to: [...to] },
    from,
    to: [...to],
    subject: 'hello',
    text: 'hello',
    messageId: `<${to[0]}>`,
  });
  client.close();
}

describe('the wizard (R170 to R172)', () => {
  it('looks, finds faults by row, commits one change, and can be run again', async () => {
    expect((await ada.get('/overview')).body.needsSetup).toBe(true);
    const rows = [
      { domain: 'good.example', destinations: [`127.0.0.1:${sink.port}`] },
      { domain: 'dead.example', destinations: [dead] },
      { domain: 'dns.example', destinations: [] },
    ];
    const bad = await ada.post('/setup/check', {
      rows: [...rows, { domain: 'ALL', destinations: [] }, { domain: 'x', destinations: ['h:0'] }],
    });
    expect(bad.body.faults.map(({ field }: { field: string }) => field)).toEqual(
      expect.arrayContaining(['rows[3].domain', 'rows[4].destinations[0]']),
    );
    const looked = (await ada.post('/setup/check', { rows })).body;
    expect(looked).toMatchObject({
      faults: [],
      hints: [{ code: 'SETUP_WITHOUT_HOSTS', parameters: { domain: 'dns.example' } }],
    });
    expect(looked.differences).toHaveLength(5);
    expect((await ada.get('/setup')).body.rows).toEqual([]);
    const made = await ada.post('/setup', { rows, version: looked.version });
    expect(made.body).toEqual({ version: looked.version + 1, isCommitted: true });
    expect((await ada.get('/setup')).body).toMatchObject({ needsSetup: false, rows });
    expect((await ada.post('/setup', { rows, version: made.body.version })).body.isCommitted).toBe(false);
  });
});

describe('the mail that waits', () => {
  it('is shown by destination with its state, next attempt, oldest message and last reply (R213)', async () => {
    await send(['a@dead.example', 'b@dead.example']);
    const page = await until(
      async () => (await ada.get('/destinations?search=dead')).body,
      ({ destinations: [one] }) =>
        one?.state === 'down' && one.nextAttemptAt !== undefined && one.oldestAt !== undefined,
    );
    const [one] = page.destinations;
    expect(one).toMatchObject({ waiting: 2, domains: ['dead.example'], hosts: [{ state: 'down' }] });
    expect(one.nextAttemptAt).toBeGreaterThan(Date.now());
    expect(one.oldestAt).toBeLessThanOrEqual(Date.now());
    expect(one.lastReply.text).toBeTruthy();
    const name = encodeURIComponent(one.destination);
    expect((await ada.get(`/destination?destination=${name}`)).body.destination).toBe(one.destination);
    const first = (await ada.get(`/recipients?destination=${name}&limit=1`)).body;
    expect(first.recipients[0]).toMatchObject({
      forwardPath: expect.stringMatching(/@dead\.example$/),
      outcomeUnknown: false,
    });
    expect((await ada.get('/recipients?domain=dead.example')).body.recipients).toHaveLength(2);
    expect((await ada.get('/recipients?domain=other.example')).body.recipients).toEqual([]);
    expect((await ada.get('/destination?destination=nowhere')).status).toBe(404);
    for (const column of ['destination', 'waiting', 'state', 'nextAttemptAt', 'oldestAt', 'softBounced'])
      for (const sign of ['', '-']) expect((await ada.get(`/destinations?sort=${sign}${column}`)).status).toBe(200);
  });

  it('costs a viewer who polls an empty answer while nothing changes', async () => {
    const first = await ada.get('/destinations');
    const tag = first.headers.get('etag')!;
    const again = await ada.get('/destinations', { 'if-none-match': tag });
    expect([again.status, again.body]).toEqual([304, '']);
  });

  it('is tried again by an operator, with a reason, after a look at how much it is (R210)', async () => {
    const operator = await web.as('operator');
    const [{ destination }] = (await ada.get('/destinations?search=dead')).body.destinations;
    const ask = (scope: object, more: object) => operator.post('/retry', { scope, ...more });
    for (const scope of [
      { kind: 'all' },
      { kind: 'domain', domain: 'dead.example' },
      { kind: 'destination', destination },
    ])
      expect((await ask(scope, { dryRun: true })).body).toEqual({ recipients: 2, silentOwners: [] });
    expect((await ask({ kind: 'all' }, {})).status).toBe(400);
    expect((await ask({ kind: 'domain', domain: 'a b' }, { dryRun: true })).body.code).toBe('DOMAIN_INVALID');
    expect((await ask({ kind: 'destination', destination }, { reason: 'repaired' })).body.recipients).toBe(2);
  });

  it('is shown message by message: what waits to a reader, header and content to an operator (R212)', async () => {
    const operator = await web.as('operator', 'otto');
    const reader = await web.as('reader');
    const oldest = (await reader.get('/oldest-messages?limit=5')).body;
    expect(oldest.messages).toMatchObject([{ accepted: 2, waiting: 2, reversePath: 'me@origin.example' }]);
    const [{ message }] = oldest.messages;
    expect((await reader.get('/oldest-messages?domain=other.example')).body.messages).toEqual([]);
    expect((await reader.get('/oldest-messages?domain=dead.example&destination=x')).status).toBe(400);
    const shown = await until(
      async () => (await reader.get(`/messages/${message}/waiting`)).body,
      ({ recipients: [one] }) => one?.lastTry?.route !== undefined,
    );
    expect(shown).toMatchObject({
      ...{ message, hasTries: true, injection: { listener: 'public' }, copies: [{ mid: `${message}-1` }] },
      recipients: [
        { forwardPath: 'a@dead.example', destination: dead, lastTry: { route: 'dead.example' } },
        { forwardPath: 'b@dead.example' },
      ],
    });
    const { header, mid } = (await operator.get(`/messages/${message}/header`)).body;
    expect(mid).toBe(`${message}-1`);
    expect(header).toMatch(/^Received: from [^]*\r\nSubject: hello\r\n/);
    const content = await operator.get(`/messages/${mid}/content`);
    expect(content.headers.get('content-type')).toBe('message/rfc822');
    expect(content.headers.get('content-disposition')).toBe(`attachment; filename="${mid}.eml"`);
    expect(content.body).toBe(`${header}\r\nhello\r\n`);
    expect(content.headers.get('content-length')).toBe(String(content.body.length));
    for (const part of ['header', 'content']) {
      expect((await reader.get(`/messages/${message}/${part}`)).body.code).toBe('ROLE_TOO_LOW');
      for (const name of [`${message}-2`, 'x', '%00', message.replace(/..$/, '00')])
        expect((await operator.get(`/messages/${name}/${part}`)).body.code).toBe('MESSAGE_NOT_WAITING');
    }
  });

  it('is removed or bounced by an operator, with a reason, after a look at how much it is (R212)', async () => {
    const operator = await web.as('operator');
    const ask = (scope: object, more: object) => operator.post('/endings', { scope, ending: 'remove', ...more });
    const none = { recipients: 0, leftAlone: 0, silentOwners: [] };
    for (const [scope, recipients] of [
      [{ kind: 'all' }, 2],
      [{ kind: 'domain', domain: 'dead.example' }, 2],
      [{ kind: 'sender', reversePath: 'me@origin.example' }, 2],
      [{ kind: 'sender', reversePath: null }, 0],
      [{ kind: 'recipient', forwardPath: 'a@dead.example' }, 1],
    ] as const)
      expect((await ask(scope, { dryRun: true })).body).toEqual({ ...none, recipients });
    expect((await ask({ kind: 'all' }, {})).status).toBe(400);
    expect((await ask({ kind: 'message', message: 'x' }, { dryRun: true })).body.code).toBe('PARAMETER_INVALID');
    expect((await (await web.as('reader')).post('/endings', { scope: { kind: 'all' }, ending: 'remove' })).status).toBe(
      403,
    );
    const nobody = { kind: 'recipient', forwardPath: 'nobody@dead.example' };
    expect((await ask(nobody, { reason: 'gone' })).body).toEqual(none);
  });

  it('rests while an operator has suspended it, and the end, the reason and the name are told (R211)', async () => {
    const operator = await web.as('operator', 'otto');
    const reader = await web.as('reader');
    const shown = async () => (await reader.get('/suspensions')).body.suspensions;
    const suspend = (scope: object, more: object = { reason: 'they move' }) =>
      operator.post('/suspensions', { scope, ...more });
    const resume = (scope: object) => operator.post('/suspensions/resume', { scope, reason: 'moved' });
    expect(await shown()).toEqual([]);
    const domain = { part: 'delivery', domain: 'dead.example' };
    const asked = await suspend({ ...domain, domain: 'DEAD.example' }, { reason: ' they move ', minutes: 60 });
    expect(asked.body.suspension).toEqual({
      ...domain,
      until: expect.any(Number),
      reason: 'they move',
      author: 'otto',
    });
    const inMinutes = (asked.body.suspension.until - Date.now()) / 60_000;
    expect([inMinutes > 58, inMinutes <= 60]).toEqual([true, true]);
    expect(await shown()).toEqual([asked.body.suspension]);
    const others = [
      { part: 'delivery' },
      { part: 'delivery', destination: dead },
      { part: 'receiving' },
      { part: 'receiving', listener: 'public' },
    ];
    for (const scope of others) expect((await suspend(scope)).status).toBe(200);
    expect((await shown()).slice(1)).toEqual(
      others.map((scope) => ({ ...scope, reason: 'they move', author: 'otto' })),
    );
    for (const scope of [domain, ...others])
      expect((await resume(scope)).body).toEqual({ version: expect.any(Number) });
    expect(await shown()).toEqual([]);
    expect((await ada.get('/changes')).body.changes[0]).toMatchObject({ author: 'otto', reason: 'moved' });
    expect((await resume(domain)).body).toMatchObject({ code: 'FAULTS', faults: [{ code: 'ITEM_NOT_FOUND' }] });
    for (const [scope, more, code] of [
      [domain, { reason: ' ' }, 'BODY_INVALID'],
      [domain, { reason: 'x', minutes: 0 }, 'BODY_INVALID'],
      [{ part: 'receiving', domain: 'dead.example' }, { reason: 'x' }, 'BODY_INVALID'],
      [{ ...domain, destination: dead }, { reason: 'x' }, 'PARAMETER_INVALID'],
      [{ ...domain, domain: 'a b' }, { reason: 'x' }, 'DOMAIN_INVALID'],
    ] as const)
      expect((await suspend(scope, more)).body.code, JSON.stringify(scope)).toBe(code);
    expect((await reader.post('/suspensions', { scope: domain, reason: 'x' })).status).toBe(403);
    expect((await reader.post('/suspensions/resume', { scope: domain, reason: 'x' })).status).toBe(403);
  });

  it('is counted in the preview of a change that moves it, and goes there when it is committed (I11)', async () => {
    const edit = {
      kind: 'set',
      expect: 'present',
      route: { receivingDomain: 'dead.example', destinations: [`127.0.0.1:${sink.port}`] },
    };
    const staged = await ada.post('/pending/edits', { edits: [edit] });
    expect(staged.body.waiting).toMatchObject({ waiting: 2, moved: 2, moves: [{ from: dead, recipients: 2 }] });
    const past = (await ada.get('/pending/past?seconds=3600')).body;
    expect(past).toMatchObject({
      ...{ domains: 1, discarded: 0, moved: past.changes[0].recipients },
      changes: [{ domain: 'dead.example', from: dead, to: `127.0.0.1:${sink.port}`, rowAfter: 'dead.example' }],
    });
    expect(past.moved).toBeGreaterThanOrEqual(2);
    expect((await ada.get('/pending/past?seconds=0')).status).toBe(400);
    expect((await (await web.as('reader', 'rita')).get('/pending/past')).body.code).toBe('NOTHING_PENDING');
    const { version } = (await ada.post('/pending/commit', { comment: 'repaired' })).body;
    const found = await until(
      async () => (await ada.get('/messages?search=a@dead.example&by=recipient')).body,
      ({ messages: [one] }) => one?.recipients.every(({ state }: { state: string }) => state === 'delivered'),
    );
    const { message } = found.messages[0];
    const { events, summary } = (await ada.get(`/messages/${message}?recipient=0`)).body;
    expect(events.at(0)).toMatchObject({ kind: 'accepted', reversePath: 'me@origin.example', copies: [{}] });
    expect(events.at(-1)).toMatchObject({
      kind: 'delivered',
      route: 'dead.example',
      routeVersion: version,
      reply: { code: 250 },
    });
    expect(summary.recipients).toHaveLength(2);
  });
});

describe('tracking', () => {
  it('finds messages by id, Message-ID, sender, recipient and time, page by page', async () => {
    const before = Date.now();
    await sleep(2);
    for (const name of ['one', 'two', 'three']) await send([`${name}@good.example`], 'sender@tracked.example');
    const all = await until(
      async () => (await ada.get('/messages?search=sender@tracked.example&by=sender')).body.messages,
      ({ length }) => length === 3,
    );
    const [newest] = all;
    const count = async (query: string) => (await ada.get(`/messages?${query}`)).body.messages.length;
    expect(await count(`search=${newest.message}`)).toBe(1);
    expect(await count('search=%3Ctwo@good.example%3E')).toBe(1);
    expect(await count('search=two@good.example&by=recipient')).toBe(1);
    expect(await count('search=two@good.example&by=sender')).toBe(0);
    expect(await count(`from=${before}`)).toBe(3);
    expect(await count(`to=${before}`)).toBe(1);
    expect(await count(`search=sender@tracked.example&to=${before}`)).toBe(0);
    const seen: string[] = [];
    for (let cursor = ''; ; ) {
      const { messages, nextCursor } = (await ada.get(`/messages?limit=1&from=${before}${cursor}`)).body;
      seen.push(...messages.map((one: { message: string }) => one.message));
      if (nextCursor === undefined) break;
      cursor = `&cursor=${nextCursor}`;
    }
    expect(seen).toEqual(all.map((one: { message: string }) => one.message));
    expect((await ada.get('/messages/nothing')).status).toBe(404);
    expect((await ada.get(`/messages/${encodeURIComponent('<script>')}`)).status).toBe(404);
  });

  it('adds up on the overview', async () => {
    const { ledger } = await until(
      async () => (await ada.get('/overview')).body,
      ({ ledger: sums }) => sums?.delivered === 5,
    );
    const { accepted, delivered, bounced, expired, dropped, removed, waiting } = ledger;
    expect(accepted).toBe(delivered + bounced + expired + dropped + removed + waiting);
  });
});
