/** Global unsubscribe (R148): who is sent nothing, whoever writes. */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { inBothModes } from './modes.ts';
import { addsUp, message, untilStatus } from './scenario.ts';
import { waitFor } from './wait-for.ts';

await inBothModes('global unsubscribe', (begin) => {
  it('keeps mail from whom it names, drops or returns it, and tells so in trace, log and ledger (R148)', async () => {
    await using scenario = await begin();
    const sink = await scenario.sink();
    const log = join(scenario.folder, 'mail.log');
    const gateway = await scenario.gateway([], { MAILYARD_TELEMETRY_MAILLOG: log });
    const file = join(scenario.folder, 'configuration.yaml');
    await writeFile(
      file,
      `routes: { ALL: "127.0.0.1:${sink.port}" }
rat: [a.example, gone.example, origin.example]
globalUnsubscribe:
  - { recipient: vip@gone.example, action: bounce }
  - "@gone.example"
`,
    );
    const applied = await gateway.command('apply', '-f', file, 'yes');
    expect(applied, applied.stderr).toMatchObject({ status: 0 });
    expect((await gateway.command('unsubscribe', 'print')).stdout).toBe('vip@gone.example bounce\n@gone.example\n');
    expect((await gateway.command('smtproutes', 'test', 'x@gone.example')).stdout).toContain(
      'x@gone.example is sent nothing: global unsubscribe @gone.example drops its mail',
    );
    await scenario.client(gateway).sendMail(message(['u@a.example', 'x@gone.example', 'vip@gone.example']));
    // The third is the report to the sender.
    const status = await untilStatus(gateway, ({ delivered, waiting }) => delivered === 2 && waiting === 0);
    expect(status).toMatchObject({ accepted: 4, dropped: 1, bounced: 1 });
    expect(addsUp(status)).toBe(true);
    const paths = sink.messages.flatMap(({ recipients }) => recipients.map(({ forwardPath }) => forwardPath));
    expect(paths.toSorted()).toEqual(['sender@origin.example', 'u@a.example']);
    const told = (await gateway.command('trace', 'x@gone.example')).stdout;
    expect(told).toMatch(/dropped .*<x@gone\.example>, reason global unsubscribe @gone\.example/);
    expect(told).toMatch(/bounced .*<vip@gone\.example>, reply 550 .*reason global unsubscribe vip@gone\.example/);
    await waitFor(async () =>
      /RID \[1\] Dropped by global unsubscribe @gone\.example/.test(await readFile(log, 'utf8')),
    );
  });
});
