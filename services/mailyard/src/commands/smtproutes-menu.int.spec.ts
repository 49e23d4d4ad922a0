import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type ServedRouting, serveRouting } from './served-routing.suite.ts';

let served: ServedRouting;
beforeEach(async () => {
  served = await serveRouting();
});
afterEach(() => served.stop());

/** Answers the dialogue line by line. */
const answer = (...lines: string[]) => served.run(['smtproutes'], lines.map((line) => `${line}\n`).join(''));
const routes = async () => (await served.run(['smtproutes', 'print'])).stdout;

describe('the dialogue of smtproutes', () => {
  it('offers NEW and IMPORT of an empty table, everything of another, and leaves at an empty line (R180)', async () => {
    const empty = await answer('');
    expect(empty).toMatchObject({ status: 0, stderr: '' });
    expect(empty.stdout).toContain(
      'There are currently 0 routes configured.\n\nChoose the operation you want to perform:\n- NEW - Create a new route.\n- IMPORT - Replace all routes by those of a file.\n[]> ',
    );
    await served.run(['smtproutes', 'new', 'a.example', 'h.example']);
    const { stdout } = await answer('frobnicate', '');
    expect(stdout).toContain('There is currently 1 route configured.');
    expect(stdout).toContain('There is no operation "frobnicate".');
    for (const word of ['NEW', 'EDIT', 'DELETE', 'PRINT', 'IMPORT', 'EXPORT', 'CLEAR', 'TEST'])
      expect(stdout).toContain(`- ${word} - `);
    expect(stdout).not.toContain('- COMMIT');
  });

  it('stages NEW, EDIT and DELETE, and commits them as one version with a comment (R181 to R183, R188)', async () => {
    await served.run(['smtproutes', 'new', 'old.example', 'h.example']);
    const { stdout, status } = await answer(
      'new',
      'example.com',
      'a.example, b.example:26/pri=5',
      'edit',
      'example.com',
      'c.example',
      'delete',
      'OLD.example',
      'edit',
      'ALL',
      'd.example',
      'print',
      'commit',
      'moved',
      '',
    );
    expect(status).toBe(0);
    expect(stdout).toContain('Mail for example.com will go to a.example, b.example:26/pri=5.');
    expect(stdout).toContain('[a.example, b.example:26/pri=5]> c.example');
    expect(stdout).toContain('4 changes are not committed yet.');
    expect(stdout).toContain('example.com  c.example\nALL:         d.example\n');
    expect(stdout).toContain('Changes committed as version 3.');
    expect(await routes()).toBe('example.com  c.example\nALL:         d.example\n');
    const [newest] = await served.routing.administration.history({ limit: 1 });
    expect(newest!.changeSet).toMatchObject({ author: 'ann', reason: 'moved', operations: { length: 4 } });
  });

  it('empties ALL by a hyphen, and never deletes it (R182, R183)', async () => {
    await served.run(['smtproutes', 'edit', 'ALL', 'h.example']);
    const { stdout } = await answer('delete', 'all', 'edit', 'ALL', '-', 'commit', '', '');
    expect(stdout).toContain('The default route ALL cannot be removed. Use EDIT to empty it.');
    expect(await routes()).toBe('ALL:\n');
  });

  it('asks before it drops what is pending, and tells when nobody is there to be asked (R204)', async () => {
    const left = await answer('new', 'a.example', 'h.example', '', 'n', '', 'y');
    expect(left).toMatchObject({ status: 0 });
    expect(left.stdout.match(/1 change is not committed yet\. Leave without committing\?/g)).toHaveLength(2);
    expect(await answer('new', 'a.example', 'h.example')).toMatchObject({
      status: 1,
      stderr: expect.stringMatching(/1 uncommitted change/),
    });
    expect(await routes()).toBe('ALL:\n');
  });

  it('says what is wrong and stages nothing of it', async () => {
    const { stdout } = await answer(
      'new',
      '*.example',
      'h.example:0',
      'new',
      'a.example',
      'h.example',
      'new',
      'A.example',
      'edit',
      'b.example',
      'delete',
      'b.example',
      '',
      'y',
    );
    expect(stdout).toContain('ROUTE_DOMAIN_INVALID: "*.example"');
    expect(stdout).toContain('ROUTE_PORT_RANGE: "h.example:0"');
    expect(stdout).toContain('A route for a.example exists already. Use EDIT to change it.');
    expect(stdout.match(/There is no route for b\.example\./g)).toHaveLength(2);
    expect(stdout).toContain('1 change is not committed yet.');
  });

  it('imports and exports files by their bare names, after a warning (R185)', async () => {
    await served.run(['smtproutes', 'new', 'old.example', 'h.example']);
    await writeFile(join(served.folder, 'in.txt'), '# mine\nexample.com a.example\nALL: b.example\n');
    const { stdout } = await answer(
      'import',
      '../in.txt',
      'import',
      'in.txt',
      'n',
      'import',
      'in.txt',
      'y',
      'export',
      'out.txt',
      'commit',
      '',
      '',
    );
    expect(stdout).toContain('A file name here has no path');
    expect(stdout).toContain(
      'All 1 existing routes will be replaced by the 1 of the file: 1 added, 1 removed, 0 changed.\nThe default route ALL becomes b.example.',
    );
    expect(await readFile(join(served.folder, 'out.txt'), 'utf8')).toMatch(
      /^# SMTP routes, exported by Mailyard at .*Z\nexample\.com a\.example\nALL: b\.example\n$/,
    );
    expect(await routes()).toBe('example.com  a.example\nALL:         b.example\n');
  });

  it('clears after a warning, and confirms ALL /dev/null (R66, R186)', async () => {
    await served.run(['smtproutes', 'new', 'a.example', 'h.example']);
    await answer('clear', 'n', 'clear', 'y', 'commit', '', '');
    expect(await routes()).toBe('ALL:\n');
    const { stdout } = await answer('new', 'ALL', '/dev/null', 'commit', 'x', 'n', 'commit', 'x', 'y', '');
    expect(stdout).toContain('drops the mail of every domain without a route');
    expect(await routes()).toBe('ALL:  /dev/null\n');
  });

  it('tests an address against the draft (R40)', async () => {
    const { stdout } = await answer('new', 'a.example', 'h.example', 'test', 'u@x.a.example', '', 'y');
    expect(stdout).toContain('u@x.a.example goes to h.example\n');
  });
});
