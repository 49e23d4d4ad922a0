/** Possible delivery (R62): what a host may have taken counts as delivered, where the settings say so. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { inBothModes } from './modes.ts';
import { addsUp, message, untilStatus } from './scenario.ts';
import { waitFor } from './wait-for.ts';

await inBothModes('possible delivery', (begin) => {
  it('ends what would be sent again, and says in log, trace and metrics that it is not sure (R62)', async () => {
    await using scenario = await begin();
    let drops = 1;
    const sink = await scenario.sink({
      onStep: ({ step }) => (step === 'dot' && drops-- > 0 ? { end: 'reset' } : undefined),
    });
    const log = join(scenario.folder, 'mail.log');
    const gateway = await scenario.gateway(['--accept', `a.example=127.0.0.1:${sink.port}`], {
      MAILYARD_DELIVERY_POSSIBLEDELIVERY: 'true',
      MAILYARD_TELEMETRY_MAILLOG: log,
    });
    const client = scenario.client(gateway);
    await client.sendMail(message(['lost@a.example']));
    const status = await untilStatus(gateway, ({ delivered }) => delivered === 1);
    expect(status).toMatchObject({ waiting: 0, outcomeUnknown: 0 });
    expect(addsUp(status)).toBe(true);
    await client.sendMail(message(['sure@a.example']));
    await sink.until(({ accepted }) => accepted === 1);
    expect(sink.messages.map(({ recipients }) => recipients[0]!.forwardPath)).toEqual(['sure@a.example']);
    await untilStatus(gateway, ({ delivered }) => delivered === 2);
    expect((await gateway.command('trace', 'lost@a.example')).stdout).toMatch(
      /delivered .*reply 451 .*outcome unknown: .*possible delivery/,
    );
    expect((await gateway.command('trace', 'sure@a.example')).stdout).not.toContain('possible delivery');
    await waitFor(async () => /Possible Delivery DCID \S+ MID \S+ to RID \[0\]/.test(await readFile(log, 'utf8')));
  });
});
