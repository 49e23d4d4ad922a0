import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { runProgram, type ServedRouting, serveRouting } from './served-routing.suite.ts';

let served: ServedRouting;
beforeAll(async () => {
  served = await serveRouting({ rules: { maxRoutes: 10_000 } });
});
afterAll(() => served.stop());
beforeEach(async () => {
  await served.routing.administration.commit([{ kind: 'replace', section: 'routes', items: [] }], { author: 'test' });
});

const smtproutes = (...words: string[]) => served.run(['smtproutes', ...words]);
const printed = async () => (await smtproutes('print')).stdout;

describe('mailyard smtproutes', () => {
  it('makes, edits, prints and deletes entries, each at once as one version (R187)', async () => {
    const { version } = served.routing.administration.state;
    expect(await smtproutes('new', 'Example.com', 'a.example,b.example:26', '[c.example]/pri=5')).toEqual({
      status: 0,
      stdout: '',
      stderr: `mailyard smtproutes: committed as version ${version + 1}\n`,
    });
    expect(await smtproutes('new', '.example.com', 'USEDNS')).toMatchObject({ status: 0 });
    expect(await smtproutes('edit', 'ALL', 'd.example')).toMatchObject({ status: 0 });
    expect(await printed()).toBe(
      'Example.com   a.example, b.example:26, [c.example]/pri=5\n.example.com  USEDNS\nALL:          d.example\n',
    );
    expect(await smtproutes('edit', 'example.com', 'e.example')).toMatchObject({ status: 0 });
    expect(await smtproutes('delete', 'EXAMPLE.COM.')).toMatchObject({ status: 0 });
    expect(await smtproutes('edit', 'ALL')).toMatchObject({ status: 0 });
    expect(await printed()).toBe('.example.com  USEDNS\nALL:\n');
    const [newest] = await served.routing.administration.history({ limit: 1 });
    expect(newest!.changeSet).toMatchObject({ author: 'ann', reason: 'smtproutes edit ALL' });
  });

  it.each<[string[], number, RegExp]>([
    [['new', 'example.com', 'a.example:0', 'b.example/pri=x'], 1, /ROUTE_PORT_RANGE[^]*ROUTE_PRI_RANGE/],
    [['new', 'example.com', 'mail.example.com', '0'], 1, /ROUTE_DEST_INVALID.*\/pri=/],
    [['new', '*.example.com', 'a.example'], 1, /ROUTE_DOMAIN_INVALID.*leading dot/],
    [['edit', 'nowhere.example', 'a.example'], 1, /ROUTE_NOT_FOUND/],
    [['delete', 'ALL'], 1, /ROUTE_DEFAULT_UNDELETABLE.*empty/],
    [['delete', 'nowhere.example'], 1, /ROUTE_NOT_FOUND/],
    [['new', 'example.com', 'a.example', '--auth', 'none'], 1, /ROUTE_AUTH_PROFILE_UNKNOWN/],
    [['edit', 'ALL', '/dev/null'], 1, /CONFIRMATION_REQUIRED/],
    [['import', 'nowhere', 'yes'], 1, /nowhere/],
    [['new', 'example.com'], 64, /destination/],
    [['import', 'file'], 64, /yes/],
    [['clear'], 64, /yes/],
    [['test', '--message', '1', 'u@a.example'], 64, /address from the message/],
    [['test', 'u@a.example', '--recipient', 'u@a.example'], 64, /--message/],
    [['frobnicate'], 64, /frobnicate/],
    [['delete', 'a.example', '--reason', 'x', '--reason', 'y'], 64, /--reason is given twice/],
    [['print', '--dry-run'], 64, /print takes no --dry-run/],
    [['export', '-', '--at', '2026-01-01T00:00:00Z'], 64, /export takes no --at/],
    [['--auth', 'x'], 64, /the dialogue takes no --auth/],
    [['test', 'u@a.example', '--version', '1', '--at', '2026-01-01T00:00:00Z'], 64, /not both/],
    [['print', '--colour'], 64, /colour/],
    [['test', 'u@a.example', '--at', '1800-01-01T00:00:00Z'], 64, /--at takes a time/],
    [['export', '/nonexistent/file'], 1, /\/nonexistent\/file cannot be written: ENOENT/],
    [['delete', 'nowhere.example', '--expect', 'first'], 64, /--expect takes a version, a number, not "first"/],
    [['delete', 'nowhere.example', '--expect', '0099'], 1, /VERSION_CONFLICT/],
    [['delete', 'nowhere.example', '--expect', '0'], 1, /ROUTE_NOT_FOUND|VERSION_CONFLICT/],
    [['delete', 'nowhere.example', '--expect', '99'], 1, /VERSION_CONFLICT.*on another that is not known here/],
    [['delete', 'nowhere.example', '--reason', 'x'.repeat(1_001)], 1, /the reason has more than 1000 characters/],
  ])('%j ends with %d and says why on stderr', async (words, status, message) => {
    const { version } = served.routing.administration.state;
    expect(await smtproutes(...words)).toEqual({ status, stdout: '', stderr: expect.stringMatching(message) });
    expect(served.routing.administration.state.version).toBe(version);
  });

  it('drops the mail of all other domains only when that is said twice (R66)', async () => {
    expect(await smtproutes('edit', 'ALL', '/dev/null', 'yes')).toMatchObject({ status: 0 });
    expect(await printed()).toBe('ALL:  /dev/null\n');
  });

  it.each<[string[], string]>([
    [['new', 'new.example', 'a.example'], '+ new.example'],
    [['edit', 'example.com', 'b.example'], 'b.example'],
    [['delete', 'example.com'], '- example.com'],
    [['clear'], '- example.com'],
    [['import', '-'], 'other.example'],
  ])('%j --dry-run shows the difference and commits nothing', async (words, difference) => {
    await smtproutes('new', 'example.com', 'a.example');
    const before = served.routing.administration.state;
    const input = 'other.example a.example\n';
    const dry = await served.run(['smtproutes', ...words, '--dry-run'], input);
    expect(dry, dry.stderr).toMatchObject({ status: 0, stdout: expect.stringContaining(difference) });
    const json = await served.run(['smtproutes', ...words, '--dry-run', '--json'], input);
    expect(JSON.parse(json.stdout)).toMatchObject({ version: before.version, isCommitted: false });
    expect(JSON.parse(json.stdout).differences).toHaveLength(words[0] === 'import' ? 2 : 1);
    expect(served.routing.administration.state).toBe(before);
  });

  it('--dry-run keeps to --expect as a commit does', async () => {
    await smtproutes('new', 'one.example', 'a.example');
    const { version } = JSON.parse((await smtproutes('print', '--json')).stdout) as { version: number };
    await smtproutes('edit', 'one.example', 'b.example');
    const expecting = ['--expect', String(version), '--dry-run'];
    const inTheWay = await smtproutes('edit', 'one.example', 'c.example', ...expecting);
    expect(inTheWay).toMatchObject({ status: 1, stdout: '' });
    expect(inTheWay.stderr).toMatch(/one\.example/);
    const file = await served.run(['smtproutes', 'import', '-', ...expecting], 'two.example a.example\n');
    expect(file).toMatchObject({ status: 1 });
    expect(await smtproutes('new', 'two.example', 'c.example', ...expecting)).toMatchObject({ status: 0 });
  });

  it('--dry-run of what would be refused is refused', async () => {
    expect(await smtproutes('delete', 'nowhere.example', '--dry-run')).toMatchObject({
      status: 1,
      stdout: '',
      stderr: expect.stringContaining('ROUTE_NOT_FOUND'),
    });
  });

  it('refuses NEW of what is there and points to EDIT (R21)', async () => {
    await smtproutes('new', 'example.com', 'a.example');
    expect(await smtproutes('new', 'EXAMPLE.com', 'b.example')).toMatchObject({
      status: 1,
      stderr: expect.stringMatching(/ROUTE_DUPLICATE.*edit/),
    });
  });

  it('exports what it imports again, and imports all or nothing with every fault and its line (R192 to R194)', async () => {
    const file = join(served.folder, 'routes');
    await writeFile(
      file,
      '# mine\nexample.com a.example, b.example:26/pri=5\n.example.com: USEDNS\n[192.0.2.1]\t[h.example]\nALL: c.example\n',
    );
    expect(await smtproutes('import', file, 'yes')).toMatchObject({
      status: 0,
      stderr: expect.stringMatching(/3 added, 0 removed, 1 changed, 0 unchanged/),
    });
    expect(await smtproutes('export', 'copy')).toMatchObject({ status: 0 });
    const copy = await readFile(join(served.folder, 'copy'), 'utf8');
    expect(copy).toMatch(/^# SMTP routes, exported by Mailyard test at \d{4}-.*Z\n/);
    const before = served.routing.administration.state;
    expect(await served.run(['smtproutes', 'import', '-', 'yes'], copy)).toMatchObject({
      status: 0,
      stderr: expect.stringMatching(/0 added, 0 removed, 0 changed, 4 unchanged/),
    });
    expect(served.routing.administration.state).toBe(before);
    const bad = await served.run(
      ['smtproutes', 'import', '-', 'yes'],
      '*.a x.example\nok.example h.example\nb.example h:0\nOK.example. g.example\n',
    );
    expect(bad).toMatchObject({ status: 1, stdout: '' });
    for (const text of [
      'line 1: ROUTE_DOMAIN_INVALID',
      'line 3: ROUTE_PORT_RANGE',
      'line 4: ROUTE_DUPLICATE',
      'stands in line 2',
      '3 faults',
    ])
      expect(bad.stderr).toContain(text);
    expect(served.routing.administration.state).toBe(before);
    expect((await smtproutes('export', '-')).stdout.split('\n').slice(1)).toEqual(copy.split('\n').slice(1));
  });

  it.each([
    ['a compressed file', new Uint8Array([0x1f, 0x8b, 8, 0]), /compressed/],
    ['a NUL', 'a.example h\0.example\n', /NUL/],
    ['octets that are no UTF-8', new Uint8Array([0x61, 0xff, 0x0a]), /UTF-8/],
    ['an endless line', `a.example ${'h.example,'.repeat(10_000)}`, /characters/],
  ])('refuses to import %s', async (_name, content, message) => {
    expect(await served.run(['smtproutes', 'import', '-', 'yes'], content)).toMatchObject({
      status: 1,
      stderr: expect.stringMatching(message),
    });
  });

  it('tells, dry, what an import would do', async () => {
    const { version } = served.routing.administration.state;
    const dry = await served.run(['smtproutes', 'import', '-', '--dry-run', '--json'], 'example.com a.example\n');
    expect(JSON.parse(dry.stdout)).toMatchObject({ version, isCommitted: false, added: 1, removed: 0, faults: [] });
    expect(served.routing.administration.state.version).toBe(version);
  });

  it('empties the table (R186)', async () => {
    await smtproutes('new', 'example.com', 'a.example');
    await smtproutes('edit', 'ALL', 'a.example');
    expect(await smtproutes('clear', 'yes')).toMatchObject({ status: 0 });
    expect(await printed()).toBe('ALL:\n');
  });

  it('explains where the mail of an address goes and why (R40)', async () => {
    await smtproutes('new', 'example.com', 'a.example:26');
    await smtproutes('new', '.example.com', 'USEDNS');
    const text = (await smtproutes('test', 'u@x.example.com')).stdout;
    expect(text).toMatch(/^u@x\.example\.com goes to the mail exchangers of the domain \(DNS\)\n/);
    expect(text).toMatch(/winner +\.example\.com +USEDNS +\(version \d+, ann\)\n +less specific +example\.com/);
    const json = JSON.parse((await smtproutes('test', 'u@example.com', '--json')).stdout) as {
      matched: string;
      target: unknown;
    };
    expect(json).toMatchObject({
      matched: 'example.com',
      target: { kind: 'hosts', hosts: [{ host: 'a.example', port: 26 }] },
    });
    expect(await smtproutes('test', 'no domain')).toMatchObject({
      status: 1,
      stderr: expect.stringMatching(/RECIPIENT_INVALID/),
    });
  });

  it('prints JSON, of what it refuses too (R189)', async () => {
    await smtproutes('new', '.Bücher.example', 'a.example');
    expect(JSON.parse((await smtproutes('print', '--json')).stdout)).toMatchObject({
      mode: 'covering',
      routes: [
        { receivingDomain: '.Bücher.example', destinations: ['a.example'] },
        { receivingDomain: 'ALL', destinations: [] },
      ],
    });
    const refused = await smtproutes('new', 'example.com', 'a.example:0', '--json');
    expect(refused.status).toBe(1);
    expect(JSON.parse(refused.stdout)).toMatchObject({
      refused: { code: 'ROUTE_PORT_RANGE', faults: [{ field: 'operations[0].set.item.route.destinations[0]' }] },
    });
  });

  it('commits the same id once, and nothing on a table that has changed since (design 3)', async () => {
    const { version } = served.routing.administration.state;
    const words = ['new', 'example.com', 'a.example', '--id', 'once'];
    expect(await smtproutes(...words)).toMatchObject({
      status: 0,
      stderr: expect.stringContaining(`version ${version + 1}\n`),
    });
    expect(await smtproutes(...words)).toMatchObject({
      status: 0,
      stderr: expect.stringContaining(`version ${version + 1}, before now`),
    });
    expect(await smtproutes('edit', 'example.com', 'b.example', '--expect', String(version))).toMatchObject({
      status: 1,
      stderr: expect.stringMatching(/VERSION_CONFLICT.*routes example\.com/),
    });
    expect(await smtproutes('new', 'other.example', 'b.example', '--expect', String(version))).toMatchObject({
      status: 0,
    });
  });

  it('ends with 69 when no server answers, and goes to another that does', async () => {
    const away = await runProgram(['smtproutes', 'print', '--server', '127.0.0.1:1'], served.folder);
    expect(away).toMatchObject({ status: 69, stdout: '' });
    const other = await runProgram(['smtproutes', 'print', '--server', `127.0.0.1:1,${served.address}`], served.folder);
    expect(other).toMatchObject({ status: 0, stdout: 'ALL:\n' });
  });
});

describe('a gateway that knows its callers', () => {
  it('lets a reader read and an administrator change, and writes down who did', async () => {
    const guarded = await serveRouting({
      tokens: [
        { name: 'rita', role: 'reader', secret: 'r' },
        { name: 'adam', role: 'administrator', secret: 'a' },
      ],
    });
    const as = (token: string, ...words: string[]) =>
      guarded.run(['smtproutes', ...words], '', token === '' ? {} : { MAILYARD_TOKEN: token });
    try {
      expect(await as('', 'print')).toMatchObject({ status: 1, stderr: expect.stringMatching(/TOKEN_MISSING/) });
      expect(await as('x', 'print')).toMatchObject({ status: 1, stderr: expect.stringMatching(/TOKEN_UNKNOWN/) });
      expect(await as('r', 'print')).toMatchObject({ status: 0 });
      expect(await as('r', 'new', 'example.com', 'a.example')).toMatchObject({
        status: 1,
        stderr: expect.stringMatching(/ROLE_TOO_LOW/),
      });
      expect(await as('a', 'new', 'example.com', 'a.example')).toMatchObject({ status: 0 });
      const [newest] = await guarded.routing.administration.history({ limit: 1 });
      expect(newest!.changeSet.author).toBe('ann (adam)');
    } finally {
      await guarded.stop();
    }
  });
});
