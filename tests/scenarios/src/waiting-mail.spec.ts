/** What a change of routes does to the mail that waits, seen before and after it (R30, R40, I11). */
import { expect, it } from 'vitest';
import { mailyard } from './gateway.ts';
import { inBothModes } from './modes.ts';
import { freePort, message, untilStatus } from './scenario.ts';
import { writeFile } from 'node:fs/promises';
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
    await sink.until(({ recipients }) => recipients === 1, 5_000);
    const back = await gateway.json<Applied>('rollback', String(dry.version), '--dry-run');
    expect(back.waiting).toMatchObject({ waiting: 2, moved: 2, stranded: 0 });
    const told = await gateway.command('rollback', String(dry.version), '--dry-run');
    expect(told.stderr).toContain('127.0.0.1');
    expect(await gateway.command('verify')).toMatchObject({ status: 0 });
  });

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
    await sink.until(({ recipients }) => recipients === 2, 5_000);
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
