/** The domain map and the alias table (R136): to whom mail goes instead, and that the books balance with them. */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
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

const traced = (gateway: Gateway, recipient: string): Promise<Record<string, unknown>[]> =>
  gateway.json<Record<string, unknown>[]>('trace', recipient);

await inBothModes('aliases and the domain map', (begin) => {
  it('lead mail elsewhere before routes are asked; trace tells by which row, and the ledger adds up (R136, R64)', async () => {
    await using scenario = await begin();
    const [inner, outer] = [await scenario.sink(), await scenario.sink()];
    const log = join(scenario.folder, 'mail.log');
    const gateway = await scenario.gateway([], { MAILYARD_TELEMETRY_MAILLOG: log });
    await apply(
      scenario,
      gateway,
      `routes: { new.example: "127.0.0.1:${inner.port}", ALL: "127.0.0.1:${outer.port}" }
rat: [new.example]
domainMap: { "@old.example": "@new.example" }
aliases:
  sales@new.example: [ann, bob@partner.example, team]
  team@new.example: [ann, carl@partner.example]
  nobody@new.example: /dev/null
`,
    );
    const client = scenario.client(gateway);
    await client.sendMail(message(['sales@old.example', 'ann@new.example', 'nobody@new.example', 'joe@new.example']));
    await client.sendMail(message(['nobody@old.example']));
    await expect(client.sendMail(message(['u@partner.example']))).rejects.toMatchObject({ responseCode: 550 });

    const status = await untilStatus(gateway, ({ delivered, dropped }) => delivered === 4 && dropped === 2);
    expect(status).toMatchObject({ accepted: 6, waiting: 0, bounced: 0 });
    expect(addsUp(status)).toBe(true);
    const pathsOf = (sink: typeof inner) =>
      sink.messages.flatMap(({ recipients }) => recipients.map(({ forwardPath }) => forwardPath)).toSorted();
    expect(pathsOf(inner)).toEqual(['ann@new.example', 'joe@new.example']);
    expect(pathsOf(outer)).toEqual(['bob@partner.example', 'carl@partner.example']);

    const [accepted] = await traced(gateway, 'bob@partner.example');
    expect(accepted).toMatchObject({
      event: 'accepted',
      acceptance: {
        expansions: [
          { received: 'sales@old.example', mapped: '@old.example', alias: 'sales@new.example', recipients: [0, 1, 2] },
          { received: 'nobody@new.example', alias: 'nobody@new.example', recipients: [3] },
        ],
      },
    });
    const told = await gateway.command('trace', 'bob@partner.example');
    expect(told.stdout).toMatch(
      /<sales@old\.example> became RID \[0, 1, 2\] by domain map @old\.example, alias sales@new\.example, version \d+\n/,
    );
    expect((await gateway.command('trace', 'sales@old.example')).stdout).toBe(told.stdout);
    expect(told.stdout).toMatch(/dropped .*reason alias nobody@new\.example/);
    await waitFor(async () => {
      const lines = await readFile(log, 'utf8');
      return (
        /RID \[0, 1, 2\] rewritten from <sales@old\.example> by domain map @old\.example, alias/.test(lines) &&
        /MID \S+ RID \[3\] Dropped by alias nobody@new\.example/.test(lines)
      );
    });
  });

  it('take in turn what is more than one message may have, and lose nobody (R136, RFC 5321 §4.5.3.1.10)', async () => {
    await using scenario = await begin();
    const sink = await scenario.sink();
    const gateway = await scenario.gateway();
    const lists = Array.from({ length: 40 }, (_, list) => `list${list}@new.example`);
    const rows = lists.map(
      (list, i) => `  ${list}: [${Array.from({ length: 100 }, (_, m) => `m${i}-${m}`).join(', ')}]\n`,
    );
    await apply(
      scenario,
      gateway,
      `routes: { ALL: "127.0.0.1:${sink.port}" }\nrat: [new.example]\naliases:\n${rows.join('')}`,
    );
    const client = scenario.client(gateway);
    const rounds: number[] = [];
    for (let left = lists; left.length > 0; ) {
      // nodemailer throws where none is taken, or the connection has ended.
      const { rejected = [], response } = await client.sendMail(message(left));
      expect(response).toMatch(/^250 /);
      rounds.push(left.length - rejected.length);
      left = rejected.map(String);
    }
    expect(rounds).toEqual([10, 10, 10, 10]);
    const status = await untilStatus(gateway, ({ delivered }) => delivered === 4_000);
    expect(status).toMatchObject({ accepted: 4_000, waiting: 0 });
    expect(addsUp(status)).toBe(true);
  });

  it('report to the sender under the address that he wrote to (RFC 3461 §5.2, R136)', async () => {
    await using scenario = await begin();
    const sink = await scenario.sink({
      onStep: ({ step, reversePath }) => (step === 'rcpt' && reversePath !== '' ? '550 5.1.1 no such user' : undefined),
    });
    const gateway = await scenario.gateway();
    await apply(
      scenario,
      gateway,
      `routes: { ALL: "127.0.0.1:${sink.port}" }
rat: [new.example]
aliases: { sales@new.example: gone@partner.example }
`,
    );
    await scenario.client(gateway).sendMail(message(['sales@new.example']));
    await sink.until(({ accepted }) => accepted === 1);
    const [report] = sink.messages;
    expect(report).toMatchObject({ reversePath: '', recipients: [{ forwardPath: 'sender@origin.example' }] });
    const text = report!.content.toString('latin1');
    expect(text).toContain('Original-Recipient: rfc822; sales@new.example\r\n');
    expect(text).toContain('Final-Recipient: rfc822; gone@partner.example\r\n');
    const status = await untilStatus(gateway, ({ bounced, delivered }) => bounced === 1 && delivered === 1);
    expect(addsUp(status)).toBe(true);
  });
});
