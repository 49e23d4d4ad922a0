/** What a change of routes does to the mail that waits, seen before and after it (R30, R40, I11). */
import { expect, it } from 'vitest';
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
    expect(await gateway.command('verify')).toMatchObject({ status: 0 });
  });
});
