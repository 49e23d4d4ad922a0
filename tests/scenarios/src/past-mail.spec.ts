/** What a draft of the route table would have done with the mail of the last hours (R30, R40). */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { inBothModes } from './modes.ts';
import { message, untilStatus } from './scenario.ts';

interface Previewed {
  readonly past: {
    readonly recipients: number;
    readonly moved: number;
    readonly discarded: number;
    readonly domains: number;
    readonly cut?: string;
    readonly changes: readonly object[];
  };
}

await inBothModes('past mail', (begin) => {
  it('is run through a draft: who would have gone elsewhere, by domain and deciding entry', async () => {
    await using scenario = await begin();
    const sink = await scenario.sink();
    const here = `127.0.0.1:${sink.port}`;
    const gateway = await scenario.gateway([
      ...['--accept', `a.example=${here}`],
      ...['--accept', `b.example=${here}`],
    ]);
    const client = scenario.client(gateway);
    await client.sendMail(message(['u@a.example', 'v@a.example', 'w@b.example']));
    await client.sendMail(message(['u@a.example']));
    await untilStatus(gateway, ({ delivered }) => delivered === 4);
    const one = await gateway.json<Previewed>(
      'smtproutes',
      'edit',
      'a.example',
      '/dev/null',
      '--dry-run',
      '--past',
      '1h',
    );
    expect(one.past).toMatchObject({ recipients: 4, moved: 3, discarded: 3, domains: 1, cut: 'kept' });
    expect(one.past.changes).toEqual([
      {
        ...{ domain: 'a.example', recipients: 3, from: here, to: '/dev/null' },
        ...{ rowBefore: 'a.example', rowAfter: 'a.example', examples: ['u@a.example', 'v@a.example'] },
      },
    ]);
    const file = join(scenario.folder, 'routes.yaml');
    await writeFile(
      file,
      'routes:\n  a.example: "127.0.0.1:9"\n  .b.example: "127.0.0.1:9"\n  ALL: relay.example.net\n',
    );
    const all = await gateway.json<Previewed>('apply', '-f', file, '--dry-run', '--past', '24h');
    expect(all.past).toMatchObject({ moved: 4, discarded: 0, domains: 2 });
    expect(all.past.changes).toMatchObject([
      { domain: 'a.example', recipients: 3, to: '127.0.0.1:9' },
      { domain: 'b.example', recipients: 1, rowBefore: 'b.example', rowAfter: 'ALL', to: 'relay.example.net' },
    ]);
    const cut = await gateway.command(
      'smtproutes',
      'delete',
      'b.example',
      '--dry-run',
      '--past',
      '1h',
      '--past-limit',
      '1',
    );
    expect(cut, cut.stderr).toMatchObject({ status: 0 });
    expect(cut.stderr).toMatch(/of 1 recipients accepted since .* would have gone elsewhere/);
    expect(cut.stderr).toContain('what is older was not looked at');
    const refused = await gateway.command('smtproutes', 'delete', 'no.example', '--dry-run', '--past', '1h');
    expect(refused.status).toBe(1);
    expect(await gateway.command('smtproutes', 'delete', 'b.example', '--past', '1h')).toMatchObject({ status: 64 });
  });
});
