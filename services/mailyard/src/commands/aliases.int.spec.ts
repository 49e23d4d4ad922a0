import { readFile, writeFile } from 'node:fs/promises';
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

async function file(name: string, content: string): Promise<string> {
  await writeFile(join(served.folder, name), content);
  return name;
}

const ALIASES = `# of another gateway
sales@example.com: ann@example.com, bob@example.net
[example.com, .example.org]
info, contact: ann
nobody: /dev/null
`;

describe('mailyard aliases and mailyard domainmap', () => {
  it('import, print and export the text of AsyncOS (R136)', async () => {
    await file('aliases.txt', ALIASES);
    expect(await mailyard('aliases', 'print')).toMatchObject({
      status: 0,
      stdout: '',
      stderr: 'mailyard aliases: no aliases\n',
    });
    expect(await mailyard('aliases', 'import', 'aliases.txt')).toMatchObject({ status: 64 });
    const dry = await mailyard('aliases', 'import', 'aliases.txt', '--dry-run');
    expect(dry).toMatchObject({ status: 0, stderr: 'mailyard aliases: nothing was changed\n' });
    expect(dry.stdout).toContain('+ aliases sales@example.com  ann@example.com, bob@example.net\n');
    expect(dry.stdout).toContain('+ aliases info@.example.org  ann\n');
    expect(await mailyard('aliases', 'import', 'aliases.txt', 'yes')).toMatchObject({
      status: 0,
      stderr: expect.stringContaining('committed as version 2'),
    });
    await file('map.txt', '@.old.example @example.com\n@old.example @example.com\n');
    expect(await mailyard('domainmap', 'import', 'map.txt', 'yes')).toMatchObject({ status: 0 });
    expect(await said('domainmap', 'print')).toBe('@.old.example @example.com\n@old.example @example.com\n');

    expect(await mailyard('aliases', 'export', 'exported.txt')).toMatchObject({ status: 0 });
    expect(await readFile(join(served.folder, 'exported.txt'), 'utf8')).toMatch(
      /^# mailyard aliases export: version 3/,
    );
    const again = await mailyard('aliases', 'import', 'exported.txt', 'yes');
    expect(again).toMatchObject({ status: 0, stderr: expect.stringContaining('nothing to change') });
    const shown = await said('apply', '--show');
    expect(shown).toContain('domainMap:\n  "@.old.example": "@example.com"\n');
    expect(shown).toContain('  sales@example.com:\n    - ann@example.com\n    - bob@example.net\n');
    await file('all.yaml', shown);
    expect(await mailyard('apply', '-f', 'all.yaml', 'yes')).toMatchObject({
      stderr: expect.stringContaining('nothing to change'),
    });
  });

  it('tell what becomes of an address, and smtproutes test tells it too (R40, R136)', async () => {
    await file(
      'both.yaml',
      `domainMap: { "@old.example": "@example.com" }
aliases: { sales@example.com: [ann, bob@example.net], nobody@example.com: /dev/null }
routes: { example.com: mail.example.net, old.example: elsewhere.example.net }
`,
    );
    expect(await mailyard('apply', '-f', 'both.yaml', 'yes')).toMatchObject({ status: 0 });
    expect(await said('aliases', 'test', 'sales@old.example')).toBe(
      'domain map @old.example\nalias sales@example.com\n  ann@example.com\n  bob@example.net\n',
    );
    expect(await said('aliases', 'test', 'nobody@example.com')).toBe(
      'alias nobody@example.com\n  nobody@example.com dropped\n',
    );
    expect(await said('aliases', 'test', 'x@other.example')).toBe('x@other.example stays what it is\n');
    expect(await mailyard('aliases', 'test', 'example.com')).toMatchObject({ status: 64 });
    const routes = await said('smtproutes', 'test', 'sales@old.example');
    expect(routes).toMatch(/^sales@old\.example becomes ann@example\.com, bob@example\.net on receipt/);
    expect(routes).toContain('(domain map @old.example, alias sales@example.com); without that:\n');
    const json = JSON.parse(await said('smtproutes', 'test', 'sales@old.example', '--json')) as object;
    expect(json).toMatchObject({ rewriting: { recipients: ['ann@example.com', 'bob@example.net'] } });
    expect(await said('smtproutes', 'test', 'old.example')).not.toContain('on receipt');
    // As it was before.
    expect(await said('smtproutes', 'test', 'sales@old.example', '--version', '1')).not.toContain('on receipt');
  });

  it('refuse a table that leads in a circle, whichever way it comes, and commit nothing (R136)', async () => {
    await file('round.txt', '[example.com]\na: b\nb: a\n');
    const refused = await mailyard('aliases', 'import', 'round.txt', 'yes');
    expect(refused).toMatchObject({ status: 1, stdout: '' });
    expect(refused.stderr).toContain(
      'line 2: ITEM_INVALID: "a@example.com" leads back to where it was: a@example.com, b@example.com, a@example.com\n',
    );
    await file('half.yaml', 'aliases: { a@example.com: b }\n');
    expect(await mailyard('apply', '-f', 'half.yaml', 'yes')).toMatchObject({ status: 0 });
    await file('whole.yaml', 'aliases: { a@example.com: b, b@example.com: a }\n');
    expect(await mailyard('apply', '-f', 'whole.yaml', 'yes')).toMatchObject({
      status: 1,
      stderr: expect.stringContaining('leads back to where it was'),
    });
    expect(await said('aliases', 'print')).toBe('a@example.com: b\n');
  });

  it("take Postfix's virtual alias table, and tell what has no counterpart with its line (R195)", async () => {
    await file('virtual', '@example.com all@example.net\nann@example.com ann@example.net, bob@example.net\n');
    expect(await mailyard('aliases', 'import', 'virtual', 'yes', '--from', 'virtual')).toMatchObject({ status: 0 });
    expect(await said('aliases', 'print')).toBe(
      'ann@example.com: ann@example.net, bob@example.net\n@example.com: all@example.net\n',
    );
    await file('local', 'example.com anything\nann@example.com ann\n');
    const refused = await mailyard('aliases', 'import', 'local', 'yes', '--from', 'virtual');
    expect(refused.status).toBe(1);
    expect(refused.stderr).toMatch(/line 1: .*\n.*line 2: .*Postfix adds its own/);
    expect(await mailyard('aliases', 'print', '--from', 'virtual')).toMatchObject({ status: 64 });
  });
});
