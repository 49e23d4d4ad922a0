import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type ServedRouting, serveRouting } from './served-routing.suite.ts';

let served: ServedRouting;
beforeEach(async () => {
  served = await serveRouting();
});
afterEach(() => served.stop());

const answer = (...lines: string[]) => served.run(['setup'], lines.map((line) => `${line}\n`).join(''));
const from = async (content: string) => {
  await writeFile(join(served.folder, 'rows'), content);
  return served.run(['setup', '-f', 'rows', 'yes']);
};
const printed = async () => (await served.run(['smtproutes', 'print'])).stdout;
const taken = () => [...served.routing.administration.state.sections.rat.keys()].filter((key) => key !== 'ALL');

describe('the set-up wizard', () => {
  it('makes an access entry and a route for each row, in one version (R170, R171)', async () => {
    const { stdout, stderr, status } = await answer(
      'example.com',
      'mail.example.net, b.example:26',
      '.example.com',
      'mail.example.net',
      'dns.example',
      '',
      '',
      'y',
    );
    expect(status).toBe(0);
    expect(stdout).toContain('+ example.com  mail.example.net, b.example:26\n');
    expect(stderr).toMatch(/dns\.example: no hosts given[^]*committed as version 2/);
    expect(taken()).toEqual(['example.com', '.example.com', 'dns.example']);
    expect(await printed()).toBe(
      'example.com   mail.example.net, b.example:26\n.example.com  mail.example.net\nALL:\n',
    );
  });

  it('makes nothing when it is cancelled or left (R172)', async () => {
    expect(await answer('example.com', 'a.example', '', 'n')).toMatchObject({
      status: 1,
      stderr: expect.stringMatching(/nothing was changed/),
    });
    expect(await answer('example.com', 'a.example')).toMatchObject({ status: 1 });
    expect(served.routing.administration.state.version).toBe(1);
  });

  it('run again replaces what it made and nothing else (R172)', async () => {
    await from('one.example a.example\ntwo.example a.example\nthree.example a.example\n');
    await served.run(['smtproutes', 'new', 'mine.example', 'h.example']);
    await served.run(['smtproutes', 'edit', 'three.example', 'edited.example']);
    const again = await from('# now\none.example b.example\nmine.example c.example\n');
    expect(again.stderr).toMatch(/mine\.example: there is a route that the wizard did not make/);
    expect(await printed()).toBe(
      'one.example    b.example\nthree.example  edited.example\nmine.example   h.example\nALL:\n',
    );
    expect(taken()).toEqual(['one.example', 'mine.example']);
    expect(await from('one.example b.example\nmine.example\n')).toMatchObject({
      status: 0,
      stderr: expect.stringMatching(/nothing to change/),
    });
  });

  it('refuses what is wrong, and to take mail for everyone', async () => {
    expect(await from('*.example a.example\nb.example h:0\n')).toMatchObject({
      status: 1,
      stderr: expect.stringMatching(/ROUTE_DOMAIN_INVALID[^]*ROUTE_PORT_RANGE/),
    });
    expect(await from('a.example h1.example\nA.example h2.example\n')).toMatchObject({
      status: 1,
      stderr: expect.stringMatching(/ROUTE_DUPLICATE: "A\.example" stands in a row above/),
    });
    expect(await from('ALL a.example\n')).toMatchObject({ status: 1, stderr: expect.stringMatching(/everyone/) });
    expect(served.routing.administration.state.version).toBe(1);
  });
});
