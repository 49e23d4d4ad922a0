import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type ServedRouting, serveRouting } from './served-routing.suite.ts';

let served: ServedRouting;
beforeEach(async () => {
  served = await serveRouting();
});
afterEach(() => served.stop());

const mailyard = (...words: string[]) => served.run(words);
const said = async (...words: string[]) => (await mailyard(...words)).stdout;

describe('mailyard history, diff, rollback and verify', () => {
  it('tell who changed what, show any two versions, and go back', async () => {
    await mailyard('smtproutes', 'new', 'example.com', 'a.example', '--reason', 'first');
    await mailyard('smtproutes', 'new', 'b.example', 'h.example');
    await mailyard('smtproutes', 'edit', 'example.com', 'c.example');
    expect(await said('history')).toMatch(
      /^ +4 +\S+Z +ann +1 operation +smtproutes edit example\.com\n +3 .*\n +2 .* first\n +1 .* initialise\n$/,
    );
    expect(await said('history', '2')).toMatch(/ +2 .*\n +set example\.com a\.example\n$/);
    expect(JSON.parse(await said('history', '--route', 'EXAMPLE.com', '--json'))).toMatchObject([
      { version: 4 },
      { version: 2, reason: 'first', author: 'ann' },
    ]);
    expect(await said('diff', '2')).toBe(
      '- example.com  a.example\n+ example.com  c.example\n+ b.example  h.example\n',
    );
    expect(await said('diff', '3', '2')).toBe('- b.example  h.example\n');
    expect(await mailyard('rollback', '2')).toMatchObject({ status: 64, stderr: expect.stringMatching(/say yes/) });
    expect(await mailyard('rollback', '2', '--dry-run')).toMatchObject({
      status: 0,
      stdout: '- example.com  c.example\n+ example.com  a.example\n- b.example  h.example\n',
    });
    expect(await mailyard('rollback', '2', 'yes')).toMatchObject({
      status: 0,
      stderr: expect.stringMatching(/version 5/),
    });
    expect(await said('diff', '2', '5')).toBe('');
    expect(await mailyard('verify')).toMatchObject({
      status: 0,
      stdout: expect.stringMatching(/^the chain holds: lineage lineage, 5 versions, [0-9a-f]{64}\n$/),
    });
    expect(JSON.parse(await said('verify', '--json'))).toMatchObject({ versions: 5, problems: [] });
    expect(await said('smtproutes', 'print', '--version', '3')).toBe(
      'example.com  a.example\nb.example    h.example\nALL:\n',
    );
  });

  it('say whom to ask when a process has another role', async () => {
    expect(await mailyard('trace', 'you@example.com')).toMatchObject({
      status: 1,
      stdout: '',
      stderr: expect.stringMatching(/^mailyard trace: that process does not answer this .* role admin: --server\n$/),
    });
  });

  it('escape what a terminal would obey in what others wrote', async () => {
    const hostile = 'a\u001b[2J\u009b31m\u202e\nforged';
    const escaped = 'a\\x1b[2J\\x9b31m\\u202e\\x0aforged';
    await mailyard('queue', 'suspend', 'delivery', '--all', '--reason', hostile);
    expect((await said('history', '--limit', '1')).endsWith(`  ann  1 operation  ${escaped}\n`)).toBe(true);
    expect(await said('history', '2')).toContain(`    set suspensions delivery ALL ${escaped}, ann\n`);
    expect(await said('diff', '1')).toBe(`+ suspensions delivery ALL  ${escaped}, ann\n`);
    const { stdout, stderr } = await mailyard('rollback', '1', '--dry-run');
    expect(stdout).toBe(`- suspensions delivery ALL  ${escaped}, ann\n`);
    // oxlint-disable-next-line no-control-regex -- controls are what is looked for
    expect(stderr).not.toMatch(/[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e]/);
  });

  it.each([
    [['history', 'x']],
    [['diff']],
    [['diff', '0']],
    [['rollback']],
    [['verify', 'x']],
    [['apply']],
    [['apply', '--show', '--dry-run']],
    [['apply', '--show', 'x']],
    [['history', '1', '--limit', '3']],
  ])('misused, %j ends with 64', async (words) => {
    expect(await mailyard(...words)).toMatchObject({ status: 64, stdout: '' });
  });

  it('history says when no version is what was asked for, and how many it takes', async () => {
    expect(await mailyard('history', '--route', 'nowhere.example')).toMatchObject({
      ...{ status: 0, stdout: '', stderr: expect.stringContaining('there are no such versions') },
    });
    expect(await mailyard('history', '--limit', '999999999999')).toMatchObject({
      ...{ status: 64, stdout: '', stderr: expect.stringContaining('--limit is a whole number from 1 to 1000000') },
    });
  });

  it('end with 1 when there is no such version', async () => {
    for (const words of [
      ['history', '9'],
      ['diff', '9'],
      ['rollback', '9', 'yes'],
    ])
      expect(await mailyard(...words)).toMatchObject({ status: 1, stdout: '' });
  });
});

describe('mailyard apply', () => {
  const FILE = `
mode: dotted
authProfiles:
  edge: {username: us, secret: {file: /run/secrets/edge}}
routes:
  example.com: [a.example, "b.example:26/pri=5"]
  .example.com: USEDNS
  edge.example: {destinations: edge.test:587, auth: edge}
rat:
  - example.com
  - {recipient: .example.com, action: REJECT, reply: {code: 550, text: "not here"}}
policies:
  - {name: engineers, recipient: {members: ["@eng.example.com"]}, actions: {subjectTag: "[eng]", priority: 10}}
destinationControls:
  DEFAULT: {maxConnections: 5, tls: requiredVerify, dane: opportunistic, mtaSts: testing, bounceProfile: slow, ipPreference: requireV4}
bounceProfiles:
  slow: {maxRetries: 3}
`;
  const apply = async (content: string, ...words: string[]) => {
    await writeFile(join(served.folder, 'mailyard-routes.yaml'), content);
    return mailyard('apply', '-f', 'mailyard-routes.yaml', ...words);
  };

  it('makes the configuration what the file says, in one change set, and the second time changes nothing', async () => {
    expect(await apply(FILE, '--dry-run')).toMatchObject({
      status: 0,
      stdout: expect.stringMatching(
        /^\+ example\.com {2}a\.example, b\.example:26\/pri=5\n[^]*\+ destinationControls DEFAULT {2}maxConnections 5, bounceProfile slow, tls requiredVerify, dane opportunistic, mtaSts testing, ipPreference requireV4\n\+ bounceProfiles slow {2}maxRetries 3\n[^]*\+ mode dotted\n$/,
      ),
    });
    expect(served.routing.administration.state.version).toBe(1);
    expect(await apply(FILE)).toMatchObject({ status: 64 });
    expect(await apply(FILE, 'yes', '--reason', 'from git')).toMatchObject({
      status: 0,
      stderr: expect.stringMatching(/version 2/),
    });
    expect(await apply(FILE, 'yes')).toMatchObject({ status: 0, stderr: expect.stringMatching(/nothing to change/) });
    expect(served.routing.administration.state).toMatchObject({ version: 2, mode: 'dotted' });
    const shown = await said('apply', '--show');
    expect(shown).toContain('edge.example:');
    expect(await apply(shown, 'yes')).toMatchObject({ status: 0, stderr: expect.stringMatching(/nothing to change/) });
    expect(
      await apply(shown.replace('recipient: example.com', 'recipient: other.example'), '--dry-run', '--json'),
    ).toMatchObject({ status: 0 });
  });

  it('leaves sections alone that the file does not name, and sees that only the order differs', async () => {
    await apply('rat: [a.example, b.example]', 'yes');
    await apply('routes: {a.example: h.example}', 'yes');
    expect(await said('apply', '--show')).toContain('recipient: b.example');
    expect(await apply('rat: [b.example, a.example]', '--dry-run')).toMatchObject({
      stdout: '~ rat in another order\n',
    });
  });

  it('keeps secrets out of everything', async () => {
    await apply(FILE, 'yes');
    expect(await apply('authProfiles: {edge: {username: us, secret: swordfish}}', 'yes')).toMatchObject({
      status: 1,
      stderr: expect.stringMatching(/authProfiles\.edge\.secret/),
    });
    for (const words of [
      ['apply', '--show'],
      ['history', '2', '--json'],
      ['diff', '1', '--json'],
      ['smtproutes', 'export', '-'],
    ]) {
      expect(await said(...words)).not.toContain('swordfish');
    }
  });

  it.each([
    ['routes: {"*.example": h.example, a.example: "h.example:0"}', /ROUTE_DOMAIN_INVALID[^]*ROUTE_PORT_RANGE/],
    ['routes: {a.example: {destinations: h.example, auth: none}}', /ROUTE_AUTH_PROFILE_UNKNOWN/],
    ['rat: ["*"]', /RAT_RECIPIENT_INVALID/],
    ['rats: []', /rats/],
    ['routes: [', /.*/],
    ['mode: upside-down', /mode/],
  ])('refuses %s and changes nothing', async (content, message) => {
    expect(await apply(content, 'yes')).toMatchObject({ status: 1, stderr: expect.stringMatching(message) });
    expect(served.routing.administration.state.version).toBe(1);
  });
});

describe('mailyard smtproutes import --from', () => {
  it('takes over a table of sendmail or Postfix, with a dry run, and tells what it cannot (R195)', async () => {
    const table = 'example.com\tesmtp:[a.example]\n.example.com smtp:b.example\n';
    const dry = await served.run(['smtproutes', 'import', '-', '--from', 'mailertable', '--dry-run'], table);
    expect(dry).toMatchObject({ status: 0, stdout: '+ example.com  [a.example]\n+ .example.com  b.example\n' });
    expect(await served.run(['smtproutes', 'import', '-', 'yes', '--from', 'mailertable'], table)).toMatchObject({
      status: 0,
    });
    expect(served.routing.administration.state.mode).toBe('dotted');
    const bad = await served.run(
      ['smtproutes', 'import', '-', 'yes', '--from', 'transport'],
      'a.example lmtp:x\nu@b.example smtp:h.example\n',
    );
    expect(bad).toMatchObject({
      status: 1,
      stderr: expect.stringMatching(/line 1: ROUTE_NOT_CONVERTIBLE[^]*line 2: ROUTE_NOT_CONVERTIBLE/),
    });
  });
});
