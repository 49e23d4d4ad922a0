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

const route = (receivingDomain: string, ...destinations: string[]) => ({ receivingDomain, destinations });
const add = (receivingDomain: string, ...destinations: string[]) => ({
  kind: 'set',
  expect: 'absent',
  route: route(receivingDomain, ...destinations),
});
const change = (receivingDomain: string, ...destinations: string[]) => ({
  ...add(receivingDomain, ...destinations),
  expect: 'present',
});
const submit = (browser: Browser, ...edits: unknown[]) => browser.post('/pending/edits', { edits });
const commit = (browser: Browser, more: object = {}) =>
  browser.post('/pending/commit', { comment: 'because', ...more });
const listed = async (browser: Browser, query = '') => (await browser.get(`/routes${query}`)).body;

beforeEach(async () => {
  for (const browser of [ada, bob]) await browser.call('DELETE', '/api/v1/pending');
  await submit(ada, { kind: 'removeAll' }, change('ALL'));
  await commit(ada);
});

describe('the route table', () => {
  it('shows what one administrator submits to nobody else until it is committed (R203, R205)', async () => {
    await submit(ada, add('example.com', 'mail.example.net:26', '[b.example.net]/pri=5'));
    expect((await listed(ada)).routes[0]).toMatchObject({ receivingDomain: 'example.com', pending: 'added' });
    expect((await listed(ada, '?pending=false')).routes).toHaveLength(1);
    expect((await listed(bob)).routes).toHaveLength(1);
    const { status, body } = await commit(ada);
    expect(status).toBe(200);
    expect(await listed(bob)).toMatchObject({ version: body.version, total: 2 });
    const detail = (await bob.get('/routes/EXAMPLE.com')).body;
    expect(detail).toMatchObject({
      covers: { kind: 'domainAndBelow', domain: 'example.com' },
      changedBy: { author: 'ada', reason: 'because' },
    });
    expect((await ada.get('/pending')).body.count).toBe(0);
  });

  it('finds the faults of each field as one types (R23)', async () => {
    await submit(ada, add('there.example', 'a.example'));
    const check = async (typed: object, editing?: string) =>
      (await ada.post('/routes/check', editing === undefined ? { route: typed } : { route: typed, editing })).body;
    const { faults } = await check(route('a..b', 'h:0', 'ok.example', '/dev/null'));
    expect(faults.map(({ field, code }: { field: string; code: string }) => `${field} ${code}`)).toEqual([
      'receivingDomain ROUTE_DOMAIN_INVALID',
      'destinations[0] ROUTE_PORT_RANGE',
      'destinations[2] ROUTE_KEYWORD_NOT_ALONE',
    ]);
    expect((await check(route('there.example', 'b.example'))).faults).toMatchObject([
      { code: 'ROUTE_DUPLICATE', field: 'receivingDomain' },
    ]);
    expect((await check({ ...route('x.example', 'b.example'), authProfile: 'none' })).faults).toMatchObject([
      { code: 'ROUTE_AUTH_PROFILE_UNKNOWN', field: 'authProfile' },
    ]);
    expect(await check(route('.there.example', 'b.example'), 'there.example')).toMatchObject({
      faults: [],
      covers: { kind: 'below', domain: 'there.example', words: expect.stringMatching(/below there\.example/) },
    });
  });

  it('stages all edits or none, and says which one is wrong', async () => {
    const refused = await submit(ada, add('a.example', 'm.example'), add('b.example', 'bad host'), {
      kind: 'remove',
      receivingDomain: 'c.example',
    });
    expect(refused.status).toBe(422);
    expect(refused.body.faults).toMatchObject([{ field: 'edits[1].route.destinations[0]' }]);
    const other = await submit(ada, add('a.example', 'm.example'), { kind: 'remove', receivingDomain: 'c.example' });
    expect(other.body.faults).toMatchObject([{ code: 'ROUTE_NOT_FOUND', field: 'edits[1].receivingDomain' }]);
    expect((await ada.get('/pending')).body.count).toBe(0);
  });

  it('renames, deletes many, deletes all but ALL, which keeps its value (R4, R201)', async () => {
    await submit(
      ada,
      add('a.example', 'm.example'),
      add('b.example', 'm.example'),
      add('c.example', 'm.example'),
      change('ALL', 'all.example'),
    );
    await submit(ada, { ...change('d.example', 'n.example'), replaces: 'a.example' });
    await commit(ada);
    const names = async () =>
      (await listed(ada, '?pending=false')).routes.map((one: { receivingDomain: string }) => one.receivingDomain);
    expect(await names()).toEqual(['b.example', 'c.example', 'd.example', 'ALL']);
    await submit(
      ada,
      { kind: 'remove', receivingDomain: 'B.example' },
      { kind: 'remove', receivingDomain: 'c.example' },
    );
    expect((await listed(ada)).routes.map((one: { pending?: string }) => one.pending)).toEqual([
      'removed',
      'removed',
      undefined,
      undefined,
    ]);
    await submit(ada, { kind: 'removeAll' });
    await commit(ada);
    expect((await listed(ada)).routes).toMatchObject([{ receivingDomain: 'ALL', destinations: ['all.example'] }]);
    expect((await submit(ada, { kind: 'remove', receivingDomain: 'ALL' })).body.faults).toMatchObject([
      { code: 'ROUTE_DEFAULT_UNDELETABLE' },
    ]);
  });

  it('asks again before ALL drops mail (R66)', async () => {
    await submit(ada, change('ALL', '/dev/null'));
    expect((await commit(ada)).body.code).toBe('CONFIRMATION_REQUIRED');
    expect((await commit(ada, { confirmDiscardAll: true })).status).toBe(200);
  });

  it('commits the same id once, also when the answer was lost', async () => {
    await submit(ada, add('once.example', 'm.example'));
    const first = await commit(ada, { id: 'commit-1' });
    const again = await commit(ada, { id: 'commit-1' });
    expect(again.body).toEqual(first.body);
    expect((await commit(ada)).body.code).toBe('NOTHING_PENDING');
  });

  it('keeps hostile text as text, of any length', async () => {
    for (const text of [
      '<script>alert(1)</script>',
      `"';--`,
      '\u001B[2J',
      '\u202Egnp.exe',
      'x'.repeat(10_000),
      '__proto__',
      'constructor',
    ]) {
      const { status, body } = await ada.post('/routes/check', {
        route: route(text.slice(0, 1_000), text.slice(0, 1_000)),
      });
      expect(status).toBe(200);
      expect(JSON.stringify(body)).not.toContain('\u001B');
      const found = await ada.get(`/routes?search=${encodeURIComponent(text.slice(0, 300))}`);
      expect([found.status, found.headers.get('content-type')]).toEqual([200, 'application/json']);
    }
    await submit(ada, add('plain.example', 'm.example'));
    const comment = '<img src=x onerror=alert(1)>\r\nSet-Cookie: a=b';
    const { body } = await commit(ada, { comment });
    expect((await ada.get(`/changes/${body.version}`)).body.change.reason).toBe(comment);
    const download = await ada.get('/routes/export?filename=..%2F..%2Fetc');
    expect(download.status).toBe(400);
  });
});

describe('two administrators at once (R205)', () => {
  it('both get theirs when they touched different entries', async () => {
    await submit(ada, add('a.example', 'm.example'));
    await submit(bob, add('b.example', 'm.example'));
    await commit(ada);
    const { body } = await bob.get('/pending');
    expect(body).toMatchObject({ isConflict: false, theirs: [{ key: 'a.example' }] });
    expect((await commit(bob)).status).toBe(200);
    expect((await listed(ada)).total).toBe(3);
  });

  it('the second sees what the first changed, never overwrites it, and can go on from there', async () => {
    await submit(ada, add('same.example', 'of-ada.example'));
    await submit(bob, add('same.example', 'of-bob.example'));
    const { version } = (await commit(ada)).body;
    expect((await bob.get('/pending')).body).toMatchObject({
      isConflict: true,
      version,
      theirs: [{ key: 'same.example', after: 'of-ada.example' }],
    });
    const refused = await commit(bob);
    expect(refused).toMatchObject({ status: 409, body: { code: 'VERSION_CONFLICT', version } });
    expect(refused.body.differences).toMatchObject([{ key: 'same.example', after: 'of-ada.example' }]);
    expect((await bob.post('/pending/rebase', { version: version - 1 })).status).toBe(409);
    const rebased = await bob.post('/pending/rebase', { version });
    expect(rebased.body).toMatchObject({
      isConflict: false,
      baseVersion: version,
      differences: [{ key: 'same.example', before: 'of-ada.example', after: 'of-bob.example' }],
    });
    expect((await commit(bob)).status).toBe(200);
  });
});

describe('import and export', () => {
  it('tells counts and every fault with its line before anything is staged (R193, R205)', async () => {
    await submit(ada, add('a.example', 'm.example'), add('b.example', 'm.example'), add('c.example', 'm.example'));
    await commit(ada);
    const bad = await ada.post(
      '/pending/import?stage=true',
      'a.example m.example\nb..example m.example\nd.example h:99999\n',
    );
    expect(bad.body.faults.map(({ line }: { line: number }) => line)).toEqual([2, 3]);
    expect((await ada.get('/pending')).body.count).toBe(0);
    const file = '# mine\na.example m.example\nb.example other.example\nd.example m.example\n';
    const looked = await ada.post('/pending/import', file);
    expect(looked.body).toMatchObject({ added: 1, removed: 1, changed: 1, faults: [] });
    expect((await ada.get('/pending')).body.count).toBe(0);
    await ada.post('/pending/import?stage=true', file);
    expect((await ada.get('/pending')).body.differences).toHaveLength(3);
    await commit(ada);
    const exported = await ada.get('/routes/export?filename=mine.txt');
    expect(exported.headers.get('content-disposition')).toBe('attachment; filename="mine.txt"');
    expect(exported.body).toMatch(
      /^# SMTP routes.*\na\.example m\.example\nb\.example other\.example\nd\.example m\.example\nALL:\n$/,
    );
    expect((await ada.post('/pending/import', exported.body)).body).toMatchObject({ added: 0, removed: 0, changed: 0 });
  });

  it('takes 9,999 entries, and pages, searches and sorts them quickly (R2, R206)', async () => {
    const lines = Array.from({ length: 9_999 }, (_, number) => `d${number}.example h${number % 7}.example.net:25`);
    await ada.post('/pending/import?stage=true', lines.join('\n'));
    await commit(ada);
    const took: number[] = [];
    const timed = async (query: string) => {
      const began = performance.now();
      const { body } = await ada.get(`/routes${query}`);
      took.push(performance.now() - began);
      return body;
    };
    await timed('?sort=receivingDomain');
    took.length = 0;
    for (let page = 0; page < 20; page++) {
      expect((await timed(`?offset=${page * 50}&sort=-receivingDomain`)).routes).toHaveLength(50);
      await timed(`?search=d${page}`);
    }
    expect(await timed('?search=D77')).toMatchObject({ found: 111, total: 10_000 });
    expect(took.sort((a, b) => a - b)[Math.floor(took.length * 0.95)]).toBeLessThan(300);
  });
});

describe('history', () => {
  it('shows who changed what and why, and differences of any two versions', async () => {
    await submit(ada, add('one.example', 'm.example'));
    const first = (await commit(ada)).body.version;
    await submit(bob, change('one.example', 'n.example'));
    const second = (await commit(bob, { comment: 'moved' })).body.version;
    expect((await ada.get('/changes?limit=1')).body).toMatchObject({
      changes: [{ version: second, author: 'bob', reason: 'moved' }],
      nextBefore: second,
    });
    expect((await ada.get('/changes?receivingDomain=One.example&limit=2')).body.changes).toMatchObject([
      { version: second },
      { version: first },
    ]);
    expect((await ada.get(`/changes/${second}`)).body.differences).toEqual([
      { section: 'routes', key: 'one.example', before: 'm.example', after: 'n.example' },
    ]);
    expect((await ada.get(`/diff?from=${second}&to=${first}`)).body.differences).toMatchObject([
      { after: 'm.example' },
    ]);
    expect((await ada.get('/diff?from=999999')).status).toBe(404);
  });

  it('goes back by a change that is staged and looked at like any other', async () => {
    await submit(ada, add('back.example', 'm.example'));
    const { version } = (await commit(ada)).body;
    await submit(ada, { kind: 'remove', receivingDomain: 'back.example' });
    expect((await ada.post('/pending/rollback', { toVersion: version })).body.code).toBe('PENDING_EXISTS');
    await commit(ada);
    const staged = await ada.post('/pending/rollback', { toVersion: version });
    expect(staged.body).toMatchObject({
      differences: [{ key: 'back.example', after: 'm.example' }],
      waiting: { moved: 0 },
    });
    await commit(ada);
    expect((await listed(bob)).total).toBe(2);
  });
});

describe('which route would take this address (R40)', () => {
  it('is told of the table, of what is pending and of a version', async () => {
    await submit(ada, add('example.com', '127.0.0.1:2526'));
    const { version } = (await commit(ada)).body;
    await submit(ada, add('host.example.com', '/dev/null'));
    const ask = async (query: string) => (await ada.get(`/explain?recipient=${query}`)).body;
    expect(await ask('u%40host.EXAMPLE.com')).toMatchObject({
      matched: 'example.com',
      goesTo: ['127.0.0.1:2526'],
      candidates: [{ verdict: 'winner', changedBy: { version } }, {}],
    });
    expect(await ask('u%40host.example.com&pending=true')).toMatchObject({
      matched: 'host.example.com',
      target: 'null',
    });
    expect(await ask(`host.example.com&version=${version - 1}`)).toMatchObject({ matched: 'DNS' });
    expect((await ada.get('/explain?recipient=a%20b%40c%20d')).status).toBe(400);
  });
});
