/** A real Postfix before and behind the gateway. */
import { describe, expect, it } from 'vitest';
import { createTransport } from 'nodemailer';
import { startPostfix, withoutPostfix } from './postfix.ts';
import { freePort, message, Scenario, untilStatus } from './scenario.ts';

const missing = withoutPostfix();
if (missing !== undefined && process.env['CI'] !== undefined) throw new Error(missing);

describe.skipIf(missing !== undefined)(`beside Postfix${missing === undefined ? '' : ` (${missing})`}`, () => {
  it('takes what Postfix relays, and its DSN parameters travel on', async () => {
    await using scenario = await Scenario.begin();
    const sink = await scenario.sink();
    const gateway = await scenario.gateway(['--accept', `example.com=127.0.0.1:${sink.port}`]);
    const port = await freePort();
    await startPostfix(scenario, port, { host: '127.0.0.1', port: gateway.smtpPort });
    const client = createTransport({ host: '127.0.0.1', port, ignoreTLS: true });
    scenario.onEnd(() => client.close());
    const dsn = { id: 'envelope-1', return: 'headers', notify: ['failure'], recipient: 'other@example.com' };
    await client.sendMail({ ...message(['u@example.com'], 'through postfix'), dsn } as Parameters<
      typeof client.sendMail
    >[0]);
    await sink.until(({ accepted }) => accepted === 1);
    const [taken] = sink.messages;
    expect(taken?.content.toString()).toMatch(/^Received: from postfix\.scenario\.example /);
    expect(taken?.mailParameters.join(' ')).toMatch(/RET=HDRS/i);
    expect(taken?.mailParameters.join(' ')).toMatch(/ENVID=envelope-1/i);
    expect(taken?.recipients[0]?.parameters.join(' ')).toMatch(/NOTIFY=FAILURE/i);
  });

  it('delivers to Postfix, 10 recipients in one transaction', async () => {
    await using scenario = await Scenario.begin();
    const sink = await scenario.sink();
    const port = await freePort();
    await startPostfix(scenario, port, { host: '127.0.0.1', port: sink.port });
    const gateway = await scenario.gateway(['--accept', `example.com=127.0.0.1:${port}`]);
    await scenario.client(gateway).sendMail(message(Array.from({ length: 10 }, (_, n) => `u${n}@example.com`)));
    await sink.until(({ recipients }) => recipients === 10);
    expect(await untilStatus(gateway, ({ delivered }) => delivered === 10)).toMatchObject({ waiting: 0, bounced: 0 });
  });
});
