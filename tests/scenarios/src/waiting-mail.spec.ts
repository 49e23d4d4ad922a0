/** What a change of routes does to the mail that waits, seen before and after it (R30, R40, I11). */
import { expect, it } from 'vitest';
import { mailyard, PROGRAM } from './gateway.ts';
import { inBothModes } from './modes.ts';
import { freePort, message, untilStatus } from './scenario.ts';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { open, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

interface Applied {
  readonly version: number;
  readonly waiting: Record<string, unknown>;
}

await inBothModes('waiting mail', (begin) => {
  it('is counted by a preview: from where to where, freed, stranded, dropped; then follows, told how far', async () => {
    await using scenario = await begin();
    const [dead, other] = [await freePort(), await freePort()];
    const sink = await scenario.sink();
    const gateway = await scenario.gateway([
      '--accept',
      `a.example=127.0.0.1:${dead}`,
      '--accept',
      `b.example=127.0.0.1:${other}`,
    ]);
    await scenario.client(gateway).sendMail(message(['u@a.example', 'v@a.example', 'w@b.example']));
    await untilStatus(gateway, ({ waiting }) => waiting === 3);
    const explained = await gateway.json<{ hosts: { state: string }[]; limits: unknown }>(
      'smtproutes',
      'test',
      'u@a.example',
    );
    expect(explained.hosts).toMatchObject([{ address: '127.0.0.1', port: dead, state: 'down' }]);
    expect(explained.limits).toMatchObject({ maxRetries: 100, maxAgeSeconds: 259_200 });
    const file = join(scenario.folder, 'routes.yaml');
    await writeFile(file, `routes:\n  a.example: "127.0.0.1:${sink.port}"\n  b.example: /dev/null\n`);
    const dry = await gateway.json<Applied>('apply', '-f', file, '--dry-run');
    expect(dry.waiting).toMatchObject({ waiting: 3, moved: 3, freed: 3, stranded: 0, discarded: 1, silentOwners: [] });
    expect(dry.waiting['moves']).toEqual([
      { from: `127.0.0.1:${dead}`, to: `127.0.0.1:${sink.port}`, recipients: 2 },
      { from: `127.0.0.1:${other}`, to: '/dev/null', recipients: 1 },
    ]);
    await writeFile(file, `routes:\n  a.example: "127.0.0.1:${other}"\n  b.example: "127.0.0.1:${sink.port}"\n`);
    const applied = await gateway.command('apply', '-f', file, 'yes');
    expect(applied, applied.stderr).toMatchObject({ status: 0 });
    expect(applied.stderr).toMatch(/(\d) of \1 waiting recipients follow version/);
    await sink.until(({ recipients }) => recipients === 1);
    const back = await gateway.json<Applied>('rollback', String(dry.version), '--dry-run');
    expect(back.waiting).toMatchObject({ waiting: 2, moved: 2, stranded: 0 });
    const told = await gateway.command('rollback', String(dry.version), '--dry-run');
    expect(told.stderr).toContain('127.0.0.1');
    expect(await gateway.command('verify')).toMatchObject({ status: 0 });
  });

  it('is shown message by message, wherever its content is; the whole of it octet for octet (R212)', async () => {
    await using scenario = await begin();
    const [dead, sink] = [await freePort(), await scenario.sink()];
    const gateway = await scenario.gateway([
      ...['--accept', `a.example=127.0.0.1:${dead}`],
      ...['--accept', `b.example=127.0.0.1:${sink.port}`],
    ]);
    const client = scenario.client(gateway);
    const body = (size: number) =>
      Buffer.alloc(size, Buffer.from('caf\u00e9 \u00ff\u001b[31m 78 octets of text, as they come\r\n', 'latin1'));
    const raw = (octets: Buffer) => ({
      envelope: { from: 'sender@origin.example', to: ['u@a.example', 'v@b.example'] },
      raw: Buffer.concat([
        Buffer.from('Subject: \u001b]0;x\u0007 hostile\r\nX-Test: 1\r\n\r\n'),
        octets,
        Buffer.from('.\r\n..\r\n'),
      ]),
    });
    const sent = [raw(body(300)), raw(body(3_000_000))];
    for (const one of sent) await client.sendMail(one);
    await untilStatus(gateway, ({ waiting, delivered }) => waiting === 2 && delivered === 2);
    const oldest = await gateway.json<{ message: string; sizeOctets: number }[]>('queue', 'oldest', '--limit', '9');
    expect(oldest).toHaveLength(2);
    for (const [number, { message: id, sizeOctets }] of oldest.entries()) {
      const shown = await gateway.command('queue', 'show', id);
      expect(shown).toMatchObject({ status: 0, stderr: '' });
      expect(shown.stdout).toMatch(/^recipients +1 of 2 wait$/m);
      expect(shown.stdout).toMatch(/RID 0 {2}MID \S+-1 {2}<u@a\.example>/);
      expect(shown.stdout).toMatch(/last try .*, route a\.example version \d+$/m);
      expect(shown.stdout).toContain('  Subject: \\x1b]0;x\\x07 hostile\n  X-Test: 1\n');
      expect(shown.stdout).not.toContain('\u001b');
      const file = join(scenario.folder, 'content');
      const words = ['queue', 'show', `${id}-1`, '--content', '--server', gateway.address('grpc')];
      const handle = await open(file, 'w');
      try {
        const child = spawn(PROGRAM, words, { stdio: ['ignore', handle.fd, 'inherit'] });
        await once(child, 'close');
        expect(child.exitCode).toBe(0);
      } finally {
        await handle.close();
      }
      const content = await readFile(file);
      expect(content.length).toBe(sizeOctets);
      expect(content.subarray(-sent[number]!.raw.length).equals(sent[number]!.raw)).toBe(true);
      expect(content.subarray(0, content.length - sent[number]!.raw.length).toString()).toMatch(/^Received: [^]*\r\n$/);
    }
    const first = oldest[0]!.message;
    await gateway.command('queue', 'remove', '--message', first, '--reason', 'seen', 'yes');
    expect(await gateway.command('queue', 'show', first)).toMatchObject({
      status: 1,
      stdout: '',
      stderr: expect.stringMatching(/MESSAGE_NOT_WAITING/),
    });
  }, 180_000);

  it('is what every change of smtproutes tells of: dry, by file, in the dialogue; a delivery is explained as it was', async () => {
    await using scenario = await begin();
    const dead = await freePort();
    const sink = await scenario.sink();
    const gateway = await scenario.gateway(['--accept', `a.example=127.0.0.1:${dead}`]);
    await scenario.client(gateway).sendMail(message(['u@a.example', 'v@a.example']));
    await untilStatus(gateway, ({ waiting }) => waiting === 2);
    const words = ['edit', 'a.example', `127.0.0.1:${sink.port}`];
    const routes = join(scenario.folder, 'routes');
    await writeFile(routes, `a.example 127.0.0.1:${sink.port}\n`);
    for (const change of [words, ['delete', 'a.example'], ['clear'], ['import', routes]]) {
      const dry = await gateway.json<Applied>('smtproutes', ...change, '--dry-run');
      expect(dry, change.join(' ')).toMatchObject({ isCommitted: false, waiting: { waiting: 2, moved: 2 } });
    }
    const said = await gateway.command('smtproutes', ...words, '--dry-run');
    expect(said.stderr).toMatch(/2 of 2 waiting recipients would go elsewhere: 2 freed/);

    const other = await freePort();
    await writeFile(routes, `a.example 127.0.0.1:${other}\n`);
    const imported = await gateway.command('smtproutes', 'import', routes, 'yes');
    expect(imported.stderr, imported.stderr).toMatch(/2 of 2 waiting recipients follow version/);
    const before = (await gateway.json<{ version: number }>('smtproutes', 'print')).version;
    const [{ message: id }] = await gateway.json<[{ message: string }]>('trace', 'u@a.example');
    const dialogue = await mailyard(['smtproutes', '--server', gateway.address('grpc')], {
      input: `EDIT\na.example\n127.0.0.1:${sink.port}\nCOMMIT\n\n\n`,
    });
    expect(dialogue.stdout).toMatch(/committed as version \d+\.[^]*2 of 2 waiting recipients follow version/);
    await sink.until(({ recipients }) => recipients === 2);
    await untilStatus(gateway, ({ delivered }) => delivered === 2);

    expect(await gateway.command('smtproutes', 'test', '--message', id)).toMatchObject({
      status: 1,
      stderr: expect.stringMatching(/2 recipients.*--recipient/),
    });
    const explain = () => gateway.json<object>('smtproutes', 'test', '--message', id, '--recipient', 'u@a.example');
    const expected = {
      delivery: { event: 'delivered', routeVersion: before + 1 },
      explanation: { version: before + 1, goesTo: `127.0.0.1:${sink.port}` },
    };
    expect(await explain()).toMatchObject(expected);
    expect(await gateway.command('smtproutes', 'delete', 'a.example')).toMatchObject({ status: 0 });
    expect(await explain()).toMatchObject(expected);
  });
});
