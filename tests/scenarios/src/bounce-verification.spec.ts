/** Bounce verification (R140): senders of mail out are tagged, and bounces that come to no tag are refused or marked. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createTransport } from 'nodemailer';
import { expect, it } from 'vitest';
import type { Gateway } from './gateway.ts';
import { inBothModes } from './modes.ts';
import { addsUp, message, type Scenario, untilStatus } from './scenario.ts';
import { waitFor } from './wait-for.ts';

async function apply(scenario: Scenario, gateway: Gateway, content: string): Promise<void> {
  const file = join(scenario.folder, 'configuration.yaml');
  await writeFile(file, content);
  const said = await gateway.command('apply', '-f', file, 'yes');
  expect(said, said.stderr).toMatchObject({ status: 0 });
}

/** A client at an address of its own: the host access table tells those that relay from all others by it. */
function clientAt(scenario: Scenario, gateway: Gateway, localAddress: string) {
  const client = createTransport({ host: '127.0.0.1', port: gateway.smtpPort, localAddress, ignoreTLS: true });
  scenario.onEnd(() => client.close());
  return (from: string, to: string) => client.sendMail(message([to], 'hello', { from, envelope: { from, to: [to] } }));
}

const HAT = (untagged: string) => `mailFlowPolicies:
  - { name: VERIFIED, action: ACCEPT, parameters: { untagged_bounces: ${untagged} } }
hat:
  - { group: RELAYLIST, sources: [127.0.0.2], policy: $RELAYED }
  - { source: ALL, policy: $VERIFIED }
`;

await inBothModes('bounce verification', (begin) => {
  it('tags mail of clients that relay where a row says so; takes bounces to the tag, refuses and marks others (R140)', async () => {
    await using scenario = await begin();
    const sink = await scenario.sink();
    const gateway = await scenario.gateway([], { BOUNCE_KEY_1: 'first', BOUNCE_KEY_2: 'second' });
    const base = `routes: { ALL: "127.0.0.1:${sink.port}" }
rat: [ours.example]
destinationControls: { DEFAULT: { bounceVerification: true }, inside.example: { bounceVerification: false } }
`;
    await apply(
      scenario,
      gateway,
      `${base}bounceKeys: [{ key: 1, secret: { environment: BOUNCE_KEY_1 } }]\n${HAT('refuse')}`,
    );
    const [inside, outside] = [clientAt(scenario, gateway, '127.0.0.2'), clientAt(scenario, gateway, '127.0.0.1')];
    const senders = () => sink.messages.map(({ reversePath }) => reversePath);
    await inside('joe@ours.example', 'u@far.example');
    await sink.until(({ accepted }) => accepted === 1);
    const [tagged] = senders();
    expect(tagged).toMatch(/^prvs=1\d{3}[0-9A-F]{6}=joe@ours\.example$/);
    await inside('joe@ours.example', 'u@inside.example');
    await outside('someone@far.example', 'joe@ours.example');
    await sink.until(({ accepted }) => accepted === 3);
    expect(senders().slice(1).toSorted()).toEqual(['joe@ours.example', 'someone@far.example']);

    // A bounce comes to the tag, and nobody behind the gateway sees it.
    await outside('', tagged!);
    await sink.until(({ accepted }) => accepted === 4);
    expect(sink.messages[3]).toMatchObject({ reversePath: '', recipients: [{ forwardPath: 'joe@ours.example' }] });
    await expect(outside('', 'joe@ours.example')).rejects.toMatchObject({ responseCode: 550 });
    await expect(outside('', tagged!.replace('=joe', '=ann'))).rejects.toMatchObject({ responseCode: 550 });
    await expect(outside('', 'joe@far.example')).rejects.toMatchObject({ responseCode: 550 });
    // What clients that relay bring is theirs: their servers bounce mail too.
    await inside('', 'u@inside.example');

    // Another key signs; what the one before signed is good as long as it is there.
    await apply(
      scenario,
      gateway,
      `bounceKeys: [{ key: 2, secret: { environment: BOUNCE_KEY_2 } }, { key: 1, secret: { environment: BOUNCE_KEY_1 } }]\n`,
    );
    await sink.until(({ accepted }) => accepted === 5);
    await waitFor(async () => {
      await inside('ann@ours.example', 'u@far.example');
      return senders().some((sender) => sender.startsWith('prvs=2'));
    });
    await outside('', tagged!);
    await apply(scenario, gateway, `bounceKeys: [{ key: 2, secret: { environment: BOUNCE_KEY_2 } }]\n${HAT('mark')}`);
    await waitFor(async () => {
      await outside('', tagged!);
      return sink.messages.some(({ content }) => content.includes('\nX-Mailyard-Bounce-Verification: forged\r\n'));
    });
    const status = await untilStatus(gateway, ({ waiting, accepted }) => waiting === 0 && accepted > 0);
    expect(addsUp(status)).toBe(true);
  });
});
