/** Incoming mail policies, from outside: a message is split by policy group and each copy is treated by its own. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { inBothModes } from './modes.ts';
import type { Gateway } from './gateway.ts';
import { message, type Scenario, untilStatus } from './scenario.ts';

async function apply(scenario: Scenario, gateway: Gateway, lines: readonly string[]): Promise<void> {
  const file = join(scenario.folder, 'policies.yaml');
  await writeFile(file, `${lines.join('\n')}\n`);
  const applied = await gateway.command('apply', '-f', file, 'yes');
  expect(applied, applied.stderr).toMatchObject({ status: 0 });
}

await inBothModes('incoming mail policies', (begin) => {
  it('make 10 messages of 10 recipients in 10 policy groups, which stay 10 over 1 connection (R90, R95)', async () => {
    await using scenario = await begin();
    const exchange = await scenario.sink();
    const gateway = await scenario.gateway(['--accept', `example.com=127.0.0.1:${exchange.port}`]);
    const ten = Array.from({ length: 10 }, (_, n) => n);
    await apply(scenario, gateway, [
      'policies:',
      ...ten.map((n) => `  - { name: p${n}, recipient: { members: ["user${n}@"] } }`),
    ]);
    await scenario.client(gateway).sendMail(message(ten.map((n) => `user${9 - n}@example.com`)));
    await exchange.until((sink) => sink.recipients === 10);
    expect([exchange.connections, exchange.transactions]).toEqual([1, 10]);
    expect(exchange.messages.map((taken) => taken.recipients.map(({ forwardPath }) => forwardPath))).toEqual(
      ten.map((n) => [`user${n}@example.com`]),
    );
  });

  it('tag the subject, add and remove fields, and drop, each for its own copy (R96)', async () => {
    await using scenario = await begin();
    const exchange = await scenario.sink();
    const gateway = await scenario.gateway(['--accept', `example.com=127.0.0.1:${exchange.port}`]);
    await apply(scenario, gateway, [
      'policies:',
      '  - name: outside',
      '    recipient: { members: ["ann@"] }',
      '    actions: { subjectTag: "[EXT]", removeHeaders: [X-Secret], addHeaders: [{ name: X-Policy, value: outside }] }',
      '  - { name: gone, recipient: { members: ["nobody@"] }, actions: { drop: true } }',
    ]);
    const raw = 'Subject: hello\r\nX-Secret: 1\r\n\r\ntext\r\n';
    await scenario
      .client(gateway)
      .sendMail(message(['ann@example.com', 'bob@example.com', 'nobody@example.com'], '', { raw }));
    await exchange.until((sink) => sink.recipients === 2);
    const of = (name: string): string =>
      exchange.messages.find((taken) => taken.recipients[0]?.forwardPath === `${name}@example.com`)!.content.toString();
    expect(of('ann')).toMatch(/\r\nSubject: \[EXT\] hello\r\nX-Policy: outside\r\n\r\ntext\r\n$/);
    expect(of('bob')).toMatch(/\r\nSubject: hello\r\nX-Secret: 1\r\n\r\ntext\r\n$/);
    expect(await untilStatus(gateway, ({ delivered }) => delivered === 2)).toMatchObject({ accepted: 3, dropped: 1 });
  });
});
