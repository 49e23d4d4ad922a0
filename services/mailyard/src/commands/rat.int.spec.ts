import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type ServedRouting, serveRouting } from './served-routing.suite.ts';

let served: ServedRouting;
beforeEach(async () => {
  served = await serveRouting();
});
afterEach(() => served.stop());

const mailyard = (...words: string[]) => served.run(['rat', ...words]);
const said = async (...words: string[]) => (await mailyard(...words)).stdout;
const file = (name: string, content: string) => writeFile(join(served.folder, name), content);

const TABLE = `.example.com ACCEPT
old.example REJECT 551 "moved"
abuse@ ACCEPT bypass_receiving_control
ALL REJECT
`;

describe('mailyard rat', () => {
  it('R135 imports, after a word of warning, in place of all old entries, prints and exports', async () => {
    expect(await said('print')).toBe('ALL REJECT\n');
    await file('first.txt', 'a.example ACCEPT\n');
    await mailyard('import', 'first.txt', 'yes');
    await file('rat.txt', TABLE);
    expect(await mailyard('import', 'rat.txt')).toMatchObject({ status: 64, stderr: expect.stringMatching(/say yes/) });
    expect(await mailyard('import', 'rat.txt', '--dry-run')).toMatchObject({
      status: 0,
      stdout:
        '- rat a.example  ACCEPT\n+ rat .example.com  ACCEPT\n+ rat old.example  REJECT 551 moved\n+ rat abuse@  ACCEPT bypass_receiving_control\n',
    });
    expect(await mailyard('import', 'rat.txt', 'yes')).toMatchObject({
      status: 0,
      stderr: expect.stringMatching(/committed as version 3/),
    });
    expect(await said('print')).toBe(TABLE);
    await mailyard('export', 'out.txt');
    const written = await readFile(join(served.folder, 'out.txt'), 'utf8');
    expect(written).toMatch(/^# mailyard rat export: version 3, \S+Z, by ann\n/);
    expect(written.replace(/^.*\n/, '')).toBe(TABLE);
    expect((await mailyard('import', 'out.txt', 'yes')).stderr).toMatch(/nothing to change/);
  });

  it('imports only while nothing was changed since --expect says', async () => {
    await file('rat.txt', 'a.example ACCEPT\n');
    const [now, before] = [served.routing.administration.state.version, 0];
    expect(await mailyard('import', 'rat.txt', 'yes', '--expect', 'now')).toMatchObject({
      status: 64,
      stderr: expect.stringMatching(/--expect takes a version, a number, not "now"/),
    });
    await mailyard('import', 'rat.txt', 'yes', '--expect', String(now));
    await file('rat.txt', 'b.example ACCEPT\n');
    expect(await mailyard('import', 'rat.txt', 'yes', '--expect', String(now))).toMatchObject({ status: 1 });
    expect(await mailyard('import', 'rat.txt', 'yes', '--expect', String(before))).toMatchObject({ status: 1 });
    expect(await said('print')).toBe('a.example ACCEPT\nALL REJECT\n');
  });

  it('R132 R134 tells which entry decides about a recipient', async () => {
    await file('rat.txt', TABLE);
    await mailyard('import', 'rat.txt', 'yes');
    expect(await said('test', 'u@old.example')).toBe('REJECT by old.example: 551 5.7.1 moved\n');
    expect(await said('test', 'abuse@anywhere.example')).toBe('ACCEPT by abuse@\n');
    expect(JSON.parse(await said('test', 'u@example.com', '--json'))).toMatchObject({
      action: 'REJECT',
      matched: 'ALL',
    });
    expect(await mailyard('test', 'example.com')).toMatchObject({ status: 64 });
  });

  it('imports nothing of a file with faults, and tells each with its line (R135)', async () => {
    await file('bad.txt', 'a.example ACCEPT\nb.example\nA.example REJECT\n');
    const { status, stderr } = await mailyard('import', 'bad.txt', 'yes');
    expect(status).toBe(1);
    expect(stderr).toMatch(/line 2: RAT_SYNTAX: "b\.example"/);
    expect(stderr).toMatch(/line 3: RAT_DUPLICATE: "A\.example" stands in line 1 already/);
    expect(served.routing.administration.state.version).toBe(1);
  });
});
