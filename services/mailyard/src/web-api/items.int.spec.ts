import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type Browser, startWebGateway, type WebGateway } from './web-gateway.suite.ts';

let web: WebGateway;
let ada: Browser;
let bob: Browser;
beforeAll(async () => {
  web = await startWebGateway();
  ada = await web.as('administrator', 'ada');
  bob = await web.as('administrator', 'bob');
});
afterAll(() => web.stop());

type Item = Readonly<Record<string, unknown>>;
interface Row {
  readonly key: string;
  readonly item: Item;
  readonly place?: number;
  readonly isFixed?: true;
  readonly pending?: string;
}

const submit = async (browser: Browser, ...edits: unknown[]) =>
  browser.post('/pending/edits', { edits, seenVersion: (await browser.get('/pending/count')).body.version });
const commit = (browser: Browser) => browser.post('/pending/commit', { comment: 'because' });
const listed = async (browser: Browser, section: string, query = ''): Promise<readonly Row[]> =>
  (await browser.get(`/sections/${section}${query}`)).body.rows;
const keys = async (browser: Browser, section: string, query = '') =>
  (await listed(browser, section, query)).map(
    ({ key, pending }) => `${key}${pending === undefined ? '' : ` ${pending}`}`,
  );
const set = (section: string, item: Item, more: object = {}) => ({ kind: 'setItem', section, item, ...more });
const remove = (section: string, key: string) => ({ kind: 'removeItem', section, key });
const move = (section: string, key: string, place: number) => ({ kind: 'moveItem', section, key, place });
const accept = (recipient: string, more: object = {}) =>
  set('recipientAccess', { recipient, action: 'ACCEPT' }, { expect: 'absent', ...more });
const faultsOf = async (edit: unknown) =>
  (await ada.post('/pending/check', { edit })).body.faults.map(
    ({ field, code }: { field: string; code: string }) => `${field} ${code}`,
  );
const group = (name: string, sources: readonly string[], rule: object, listener = '') =>
  set('hostAccess', { listener, group: name, sources: sources.map((source) => ({ source })), rule });

beforeEach(async () => {
  for (const browser of [ada, bob]) await browser.call('DELETE', '/api/v1/pending');
  const gone = [];
  for (const section of [
    ...['destinationControls', 'bounceProfiles', 'hostAccess', 'mailFlowPolicies', 'recipientAccess'],
    ...['aliases', 'domainMap', 'globalUnsubscribe'],
  ])
    for (const { key, isFixed } of await listed(ada, section, '?limit=1000'))
      if (isFixed !== true) gone.push(remove(section, key));
  const all = set('recipientAccess', { recipient: 'ALL', action: 'REJECT' });
  await submit(ada, ...gone, all);
  await commit(ada);
});

describe('alias table, domain map and global unsubscribe', () => {
  it.each([
    ['aliases', 'alias', { to: ['ann@b.example', 'carl'] }, 'ann@b'],
    ['domainMap', 'from', { to: 'ann@b.example' }, 'ann@b'],
    ['globalUnsubscribe', 'recipient', { action: 'bounce' }, 'bounce'],
  ] as const)(
    'are edited row by row, in the order that decides, and searched: %s (R136, R148)',
    async (section, name, rest, text) => {
      const row = (address: string, more: object = {}) => set(section, { [name]: address, ...rest }, more);
      await submit(ada, row('one@a.example'), row('@a.example'), row('Two@A.example', { place: 2 }));
      expect(await keys(bob, section)).toEqual([]);
      expect((await commit(ada)).status).toBe(200);
      expect(await keys(bob, section)).toEqual(['one@a.example', 'two@a.example', '@a.example']);
      expect((await listed(bob, section))[2]).toMatchObject({ item: { [name]: '@a.example', ...rest }, place: 3 });
      expect(await keys(bob, section, `?search=${text}`)).toHaveLength(3);
      expect(await keys(bob, section, '?search=two')).toEqual(['two@a.example']);
      await submit(ada, move(section, 'TWO@a.example', 1), remove(section, 'One@a.example'));
      await submit(ada, row('three@a.example', { expect: 'present', replaces: '@a.example' }));
      await commit(ada);
      expect(await keys(bob, section)).toEqual(['two@a.example', 'three@a.example']);
      await submit(ada, row('two@a.example', { expect: 'present' }), remove(section, 'three@a.example'));
      await submit(bob, move(section, 'three@a.example', 1));
      await commit(bob);
      expect((await commit(ada)).body.code).toBe('VERSION_CONFLICT');
      expect((await submit(ada, row('two@a.example', { expect: 'absent' }))).body.faults).toMatchObject([
        { code: 'ITEM_DUPLICATE', field: `edits[0].item.${name}` },
      ]);
    },
  );

  it('name the faults of each field (R136, R148)', async () => {
    expect(await faultsOf(set('aliases', { alias: 'sales', to: ['a@b.example'] }))).toEqual(['alias ITEM_INVALID']);
    expect(await faultsOf(set('aliases', { alias: 'a@b.example', to: ['@c.example'] }))).toEqual(['to ITEM_INVALID']);
    expect(await faultsOf(set('domainMap', { from: 'x@a.example', to: '@b.example' }))).toEqual(['to ITEM_INVALID']);
    expect(await faultsOf(set('globalUnsubscribe', { recipient: 'ALL', action: 'drop' }))).toEqual([
      'recipient ITEM_INVALID',
    ]);
    await submit(ada, set('aliases', { alias: 'a@b.example', to: ['c@b.example'] }));
    expect(await faultsOf(set('aliases', { alias: 'c@b.example', to: ['a@b.example'] }))).toHaveLength(2);
  });
});

describe('the recipient access table', () => {
  it('takes rows at a place, moves, renames and deletes them, and keeps ALL last (R131, R133)', async () => {
    await submit(ada, accept('a.example'), accept('c.example'), accept('b.example', { place: 2 }));
    expect(await keys(ada, 'recipientAccess')).toEqual([
      'a.example added',
      'b.example added',
      'c.example added',
      'ALL',
    ]);
    expect(await keys(bob, 'recipientAccess')).toEqual(['ALL']);
    await commit(ada);
    await submit(ada, move('recipientAccess', 'a.example', 3));
    expect(await keys(ada, 'recipientAccess')).toEqual(['b.example', 'c.example', 'a.example moved', 'ALL']);
    await submit(ada, move('recipientAccess', 'a.example', 1), move('recipientAccess', 'c.example', 2));
    await commit(ada);
    expect(await keys(bob, 'recipientAccess')).toEqual(['a.example', 'c.example', 'b.example', 'ALL']);
    const renamed = { recipient: 'd.example', action: 'REJECT', reply: { code: 550, text: 'moved away' } };
    await submit(ada, set('recipientAccess', renamed, { expect: 'present', replaces: 'C.example' }));
    expect(await keys(ada, 'recipientAccess')).toEqual([
      'a.example',
      'c.example removed',
      'd.example added',
      'b.example',
      'ALL',
    ]);
    await submit(ada, remove('recipientAccess', 'a.example'));
    await commit(ada);
    const rows = await listed(bob, 'recipientAccess');
    expect(rows.map(({ key, place }) => `${key} ${place}`)).toEqual(['d.example 1', 'b.example 2', 'ALL undefined']);
    expect(rows[0]?.item).toEqual(renamed);
    expect((await submit(ada, remove('recipientAccess', 'ALL'))).body.faults).toMatchObject([
      { code: 'ITEM_UNDELETABLE', field: 'edits[0].key' },
    ]);
    await submit(ada, set('recipientAccess', { recipient: 'all', action: 'ACCEPT' }));
    expect((await listed(ada, 'recipientAccess')).at(-1)).toMatchObject({
      key: 'ALL',
      isFixed: true,
      pending: 'changed',
    });
  });

  it('has the faults of each field as one types, those of apply (R131 to R134)', async () => {
    await submit(ada, accept('there.example'));
    expect(await faultsOf(accept('a..b'))).toEqual(['recipient RAT_RECIPIENT_INVALID']);
    expect(await faultsOf(accept('there.example'))).toEqual(['recipient ITEM_DUPLICATE']);
    const refusal = { recipient: 'x@', action: 'REJECT', reply: { code: 250, text: 'ok' } };
    expect(await faultsOf(set('recipientAccess', refusal))).toEqual(['reply RAT_REPLY_INVALID']);
    expect(await faultsOf(accept('[192.0.2.1]'))).toEqual([]);
  });

  it('keeps hostile text as text', async () => {
    for (const text of ['<script>alert(1)</script>', '\u001B[2J', 'x'.repeat(1_000), '__proto__', '"\'@example.com']) {
      const check = await faultsOf(set('recipientAccess', { recipient: text, action: 'REJECT' }));
      expect(check.every((fault: string) => fault.startsWith('recipient '))).toBe(true);
      expect((await ada.get(`/sections/recipientAccess/${encodeURIComponent(text)}`)).status).toBe(404);
    }
  });
});

describe('destination controls and bounce profiles', () => {
  it('have a default row that is there without being written, and name each fault (R70, R140)', async () => {
    expect(await listed(ada, 'destinationControls')).toEqual([
      { key: 'DEFAULT', item: { domain: 'DEFAULT' }, since: 0, isFixed: true },
    ]);
    const profile = set('bounceProfiles', { name: 'quick', maxRetries: 2 }, { expect: 'absent' });
    const control = {
      ...{ domain: 'b.example', maxConnections: 2, tls: 'required', mtaSts: 'enforce', bounceProfile: 'quick' },
      bounceVerification: false,
    };
    await submit(
      ada,
      set('destinationControls', { domain: 'DEFAULT', maxConnections: 20 }),
      set('destinationControls', { domain: '.a.example' }),
      profile,
      set('destinationControls', control),
    );
    await commit(ada);
    expect(await keys(bob, 'destinationControls')).toEqual(['.a.example', 'b.example', 'DEFAULT']);
    expect((await listed(bob, 'destinationControls'))[1]?.item).toEqual(control);
    expect(await faultsOf(set('destinationControls', { ...control, maxConnections: 0, windowMinutes: 61 }))).toEqual([
      'maxConnections ITEM_INVALID',
      'windowMinutes ITEM_INVALID',
    ]);
    expect(await faultsOf(set('destinationControls', { ...control, bounceProfile: 'none' }))).toEqual([
      'bounceProfile ITEM_UNKNOWN',
    ]);
    expect(await faultsOf(set('destinationControls', { domain: '' }))).toEqual(['domain ITEM_INVALID']);
    expect(await faultsOf(set('bounceProfiles', { name: 'no such name' }))).toEqual(['name ITEM_INVALID']);
    expect(await faultsOf(set('bounceProfiles', { name: 'x', initialWaitSeconds: 9, maxWaitSeconds: 8 }))).toEqual([
      'maxWaitSeconds ITEM_INVALID',
    ]);
    expect((await submit(ada, remove('bounceProfiles', 'quick'))).body.faults).toMatchObject([
      { code: 'ITEM_UNKNOWN', field: 'edits[0].key', message: expect.stringContaining('b.example names it') },
    ]);
  });
});

describe('the host access table', () => {
  it('has an order for each listener and tells which row takes a client (R120 to R127)', async () => {
    await submit(
      ada,
      group('OFFICE', ['10.0.0.0/8'], { policy: 'RELAYED' }),
      group('', ['ALL'], { action: 'REJECT', parameters: {} }),
      group('BRANCH', ['10.1.0.0/16', '.branch.example'], { policy: 'SLOW' }),
      set('mailFlowPolicies', {
        listener: '',
        name: 'SLOW',
        action: 'ACCEPT',
        parameters: { max_rcpts_per_hour: '5' },
      }),
      group('INSIDE', ['10.0.0.0/8'], { policy: 'TRUSTED' }, 'inside'),
    );
    const test = async (query: string) => (await ada.get(`/host-access/test?${query}`)).body;
    expect(await test('address=10.1.2.3')).toMatchObject({ group: 'None', source: 'ALL', action: 'ACCEPT' });
    expect(await test('address=10.1.2.3&pending=true')).toMatchObject({ group: 'OFFICE', action: 'RELAY' });
    expect(await keys(ada, 'hostAccess', '?list=')).toEqual(['OFFICE added', 'BRANCH added', 'ALL added']);
    expect((await ada.get('/sections/hostAccess')).body.lists).toEqual(['', 'inside']);
    await submit(ada, move('hostAccess', 'BRANCH', 1));
    await commit(ada);
    expect(await keys(bob, 'hostAccess', '?list=')).toEqual(['BRANCH', 'OFFICE', 'ALL']);
    expect(await test('address=10.1.2.3')).toMatchObject({
      ...{ group: 'BRANCH', source: '10.1.0.0/16', policy: '$SLOW', limits: { maxRecipientsPerHour: 5 } },
      asksForNames: false,
    });
    expect(await test('address=192.0.2.1')).toMatchObject({ action: 'REJECT', asksForNames: true });
    expect(await test('address=192.0.2.1&names=mx.branch.example')).toMatchObject({ group: 'BRANCH' });
    expect(await test('address=10.9.9.9&listener=inside')).toMatchObject({ group: 'INSIDE', policy: '$TRUSTED' });
    expect((await ada.get('/host-access/test?address=10.1')).body.code).toBe('ADDRESS_INVALID');
  });

  it('names the faults of its rows and of policies by field', async () => {
    expect(await faultsOf(group('G', ['10.0.0.0/8', '300.1', 'ALL'], { policy: 'NONE' }))).toEqual([
      'rule HAT_POLICY_UNKNOWN',
      'sources[1] HAT_SOURCE_INVALID',
      'sources[2] HAT_SOURCE_INVALID',
    ]);
    expect(await faultsOf(group('', ['0.0.0.0/0'], { action: 'RELAY', parameters: {} }))).toEqual([
      'sources[0] HAT_OPEN_RELAY',
    ]);
    const policy = { listener: '', name: 'P', action: 'ACCEPT', parameters: { tls: 'maybe', unknown: '1' } };
    expect(await faultsOf(set('mailFlowPolicies', policy))).toEqual([
      'parameters.tls FLOW_PARAMETER_INVALID',
      'parameters.unknown FLOW_PARAMETER_INVALID',
    ]);
  });

  it('lists the predefined policies until one of their name is written (R127)', async () => {
    const predefined = ['$ACCEPTED', '$BLOCKED', '$RELAYED', '$THROTTLED', '$TRUSTED'];
    expect(await keys(ada, 'mailFlowPolicies')).toEqual(predefined);
    await submit(ada, set('mailFlowPolicies', { listener: '', name: 'TRUSTED', action: 'ACCEPT', parameters: {} }));
    await commit(ada);
    const rows = await listed(bob, 'mailFlowPolicies');
    expect(rows.filter(({ isFixed }) => isFixed).map(({ key }) => key)).toEqual(predefined.slice(0, 4));
    await submit(ada, remove('mailFlowPolicies', '$TRUSTED'));
    await commit(ada);
    expect(await keys(bob, 'mailFlowPolicies')).toEqual(predefined);
  });
});

describe('two administrators (R205)', () => {
  it('never overwrite a row or an order that the other changed: both are shown first', async () => {
    await submit(ada, accept('a.example'), accept('b.example'), accept('c.example'));
    await commit(ada);
    await submit(ada, move('recipientAccess', 'c.example', 1));
    await submit(bob, move('recipientAccess', 'c.example', 2));
    await commit(bob);
    const pending = (await ada.get('/pending')).body;
    expect(pending).toMatchObject({ isConflict: true, theirs: [{ section: 'recipientAccess', isReordered: true }] });
    expect((await commit(ada)).body.code).toBe('VERSION_CONFLICT');
    expect((await ada.post('/pending/rebase', { version: pending.version })).status).toBe(200);
    expect((await commit(ada)).status).toBe(200);
    expect(await keys(bob, 'recipientAccess')).toEqual(['c.example', 'a.example', 'b.example', 'ALL']);
  });

  it('may put a row above one that the other deletes: it is told, and goes to the end', async () => {
    await submit(ada, accept('a.example'), accept('b.example'));
    await commit(ada);
    await submit(ada, accept('new.example', { place: 1 }));
    await submit(bob, remove('recipientAccess', 'a.example'));
    await commit(bob);
    const { isConflict, version } = (await ada.get('/pending')).body;
    expect(isConflict).toBe(true);
    await ada.post('/pending/rebase', { version });
    expect((await commit(ada)).status).toBe(200);
    expect(await keys(bob, 'recipientAccess')).toEqual(['b.example', 'new.example', 'ALL']);
  });

  it('count a place in the table that was seen', async () => {
    await submit(ada, accept('a.example'), accept('b.example'));
    const { version } = (await commit(ada)).body;
    await submit(bob, accept('first.example', { place: 1 }));
    await commit(bob);
    await ada.post('/pending/edits', { edits: [accept('x.example', { place: 2 })], seenVersion: version });
    await commit(ada);
    expect(await keys(bob, 'recipientAccess')).toEqual(['first.example', 'a.example', 'x.example', 'b.example', 'ALL']);
  });

  it('may change other rows and other sections beside each other, all in one change set each', async () => {
    await submit(ada, accept('a.example'), set('destinationControls', { domain: 'a.example', maxConnections: 3 }));
    await submit(bob, accept('b.example'), set('bounceProfiles', { name: 'quick' }));
    const { differences } = (await ada.get('/pending')).body;
    expect(differences.map(({ section, key }: { section: string; key: string }) => `${section} ${key}`)).toEqual([
      'recipientAccess a.example',
      'destinationControls a.example',
    ]);
    expect([(await commit(bob)).status, (await commit(ada)).status]).toEqual([200, 200]);
    expect(await keys(bob, 'recipientAccess')).toEqual(['b.example', 'a.example', 'ALL']);
  });
});

describe('a large table', () => {
  it('is paged and searched at ten thousand rows', async () => {
    for (let n = 0; n < 10_000; n += 5_000)
      await submit(ada, ...Array.from({ length: 5_000 }, (_, i) => accept(`d${n + i}.example`)));
    expect((await commit(ada)).status).toBe(200);
    const page = (await ada.get('/sections/recipientAccess?offset=9998&limit=10')).body;
    expect(page).toMatchObject({ found: 10_001, total: 10_001 });
    expect(page.rows.map(({ key }: Row) => key)).toEqual(['d9998.example', 'd9999.example', 'ALL']);
    expect((await ada.get('/sections/recipientAccess?search=D777')).body).toMatchObject({ found: 11 });
    await submit(ada, move('recipientAccess', 'd9999.example', 1));
    expect(await keys(ada, 'recipientAccess', '?limit=2')).toEqual(['d9999.example moved', 'd0.example']);
  }, 120_000);
});
