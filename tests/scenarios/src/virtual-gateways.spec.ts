/** Virtual gateways (R147): which mail leaves from which address, under which name, in a queue of its own. */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describeWith } from '@mailyard/testkit/services/require-service';
import { expect, it } from 'vitest';
import type { Gateway } from './gateway.ts';
import { inBothModes } from './modes.ts';
import { addsUp, message, Scenario, untilStatus } from './scenario.ts';
import { waitFor } from './wait-for.ts';

/** All of 127.0.0.0/8 is loopback's; the last one is of a net for documentation, which no machine has. */
const GATEWAYS = {
  news: { addresses: ['127.0.0.2'], helo: 'news.example' },
  shop: { addresses: ['127.0.0.3'], helo: 'shop.example' },
  lost: { addresses: ['203.0.113.77'] },
};

async function apply(scenario: Scenario, gateway: Gateway, content: string): Promise<void> {
  const file = join(scenario.folder, 'configuration.yaml');
  await writeFile(file, content);
  const said = await gateway.command('apply', '-f', file, 'yes');
  expect(said, said.stderr).toMatchObject({ status: 0 });
}

function environment(scenario: Scenario, gateways: object): Record<string, string> {
  return {
    MAILYARD_DELIVERY_GATEWAYS: JSON.stringify(gateways),
    MAILYARD_TELEMETRY_MAILLOG: join(scenario.folder, 'mail.log'),
    MAILYARD_HOSTNAME: 'gateway.example',
  };
}

async function send(scenario: Scenario, gateway: Gateway, from: string, to: string): Promise<void> {
  await scenario.client(gateway).sendMail(message([to], 'hello', { from, envelope: { from, to } }));
}

/** The log is written behind the mail. */
function logged(scenario: Scenario, line: RegExp): Promise<void> {
  return waitFor(
    async () => line.test(await readFile(join(scenario.folder, 'mail.log'), 'utf8')),
    30_000,
    () => String(line),
  );
}

const traced = (gateway: Gateway, recipient: string): Promise<unknown[]> => gateway.json<unknown[]>('trace', recipient);

await inBothModes('virtual gateways', (begin) => {
  it('are told by sender and client, in the order of the rows; the next hop sees address and name (R147)', async () => {
    await using scenario = await begin();
    const sink = await scenario.sink();
    const gateway = await scenario.gateway([], environment(scenario, GATEWAYS));
    const rest = `routes: { ALL: "127.0.0.1:${sink.port}" }\nrat: [a.example, b.example]\n`;
    await apply(
      scenario,
      gateway,
      `${rest}virtualGateways:
  - { from: vip@letters.example, gateway: shop }
  - { from: "@letters.example", gateway: news }
`,
    );
    await send(scenario, gateway, 'vip@letters.example', 'vip@a.example');
    await send(scenario, gateway, 'x@letters.example', 'letters@a.example');
    await send(scenario, gateway, 'x@letters.example', 'more@b.example');
    await send(scenario, gateway, 'x@other.example', 'other@a.example');
    await sink.until(({ accepted }) => accepted === 4);
    const seen = () =>
      sink.messages
        .map(({ recipients, client, helo }) => `${recipients[0]!.forwardPath} ${client.address} ${helo}`)
        .toSorted();
    expect(seen()).toEqual([
      'letters@a.example 127.0.0.2 news.example',
      'more@b.example 127.0.0.2 news.example',
      'other@a.example 127.0.0.1 gateway.example',
      'vip@a.example 127.0.0.3 shop.example',
    ]);
    await logged(scenario, /New SMTP DCID \S+ interface 127\.0\.0\.2 address 127\.0\.0\.1 /);
    await logged(scenario, /New SMTP DCID \S+ address 127\.0\.0\.1 /);
    await waitFor(async () => JSON.stringify(await traced(gateway, 'letters@a.example')).includes('"news"'));
    expect(JSON.stringify(await traced(gateway, 'other@a.example'))).not.toContain('"gateway"');
    expect((await gateway.command('trace', 'letters@a.example')).stdout).toContain('virtual gateway news');

    // The client's address counts as well, and the first row decides.
    await apply(
      scenario,
      gateway,
      `virtualGateways: [{ from: 127.0.0.1, gateway: shop }, { from: "@letters.example", gateway: news }]\n`,
    );
    const shown = await gateway.command('apply', '--show');
    expect(shown.stdout).toContain('virtualGateways:\n  - from: 127.0.0.1\n    gateway: shop\n');
    await send(scenario, gateway, 'x@letters.example', 'client@a.example');
    await sink.until(({ accepted }) => accepted === 5);
    expect(seen()).toContain('client@a.example 127.0.0.3 shop.example');
  });

  it('without an address of this machine have their mail wait, loudly, and hold nobody else up (R147)', async () => {
    await using scenario = await begin();
    const sink = await scenario.sink();
    const gateway = await scenario.gateway([], environment(scenario, GATEWAYS));
    await apply(
      scenario,
      gateway,
      `routes: { ALL: "127.0.0.1:${sink.port}" }
rat: [a.example]
virtualGateways:
  - { from: "@lost.example", gateway: lost }
  - { from: "@typo.example", gateway: newss }
  - { from: "@letters.example", gateway: news }
`,
    );
    for (let i = 0; i < 5; i++) {
      await send(scenario, gateway, 'x@lost.example', `lost${i}@a.example`);
      await send(scenario, gateway, 'x@typo.example', `typo${i}@a.example`);
      await send(scenario, gateway, 'x@letters.example', `letters${i}@a.example`);
      await send(scenario, gateway, 'x@other.example', `other${i}@a.example`);
    }
    await sink.until(({ accepted }) => accepted === 10);
    const status = await untilStatus(gateway, ({ delivered, waiting }) => delivered === 10 && waiting === 10);
    expect(addsUp(status)).toBe(true);
    const waiting = status.destinations
      .filter((row) => Number(row['waiting']) > 0)
      .map((row) => String(row['destination']));
    expect(waiting.toSorted()).toEqual([`127.0.0.1:${sink.port} via lost`, `127.0.0.1:${sink.port} via newss`]);
    const why = async (recipient: string) => JSON.stringify(await traced(gateway, recipient));
    await waitFor(async () => (await why('lost0@a.example')).includes('203.0.113.77'));
    await waitFor(async () => (await why('typo0@a.example')).includes('virtual gateway newss is not in the settings'));
    await logged(scenario, /Alarm gateway-unusable: virtual gateway lost, address 203\.0\.113\.77/);
    await logged(scenario, /Alarm gateway-unknown: virtual gateway newss/);
    for (const { client } of sink.messages) expect(['127.0.0.1', '127.0.0.2']).toContain(client.address);
    expect(await gateway.json('queue', 'list', '--domain', 'a.example')).toHaveLength(10);
  });

  it('are kept with the message; a delivery report leaves by none (R147, R164)', async () => {
    await using scenario = await begin();
    let isOpen = false;
    const asked: string[] = [];
    const sink = await scenario.sink({
      onStep: ({ step, reversePath, client }) => {
        if (step !== 'rcpt' || reversePath === '') return undefined;
        asked.push(client.address);
        return isOpen ? '550 5.1.1 no such user' : '450 4.2.0 later';
      },
    });
    const gateway = await scenario.gateway([], environment(scenario, GATEWAYS));
    await apply(
      scenario,
      gateway,
      `routes: { ALL: "127.0.0.1:${sink.port}" }
rat: [a.example, letters.example]
virtualGateways: [{ from: "@letters.example", gateway: news }]
`,
    );
    await send(scenario, gateway, 'x@letters.example', 'u@a.example');
    await untilStatus(gateway, ({ waiting }) => waiting === 1);
    await sink.until(({ transactions }) => transactions === 1);
    await apply(scenario, gateway, 'virtualGateways: [{ from: "@letters.example", gateway: shop }]\n');
    isOpen = true;
    await gateway.command('queue', 'retry', '--all');
    await sink.until(({ accepted }) => accepted === 1);
    expect(sink.messages[0]).toMatchObject({ reversePath: '', client: { address: '127.0.0.1' } });
    expect(new Set(asked)).toEqual(new Set(['127.0.0.2']));
    expect(asked.length).toBeGreaterThan(1);
  });
});

await describeWith([], 'a gateway whose address comes back', () => {
  it('sends what waited for it, from that address (R147)', async () => {
    await using scenario = await Scenario.begin();
    const sink = await scenario.sink();
    const first = await scenario.gateway([], environment(scenario, { news: GATEWAYS.lost }));
    await apply(
      scenario,
      first,
      `routes: { ALL: "127.0.0.1:${sink.port}" }\nrat: [a.example]\nvirtualGateways: [{ from: ALL, gateway: news }]\n`,
    );
    await send(scenario, first, 'x@letters.example', 'u@a.example');
    await waitFor(async () => JSON.stringify(await traced(first, 'u@a.example')).includes('203.0.113.77'));
    expect(await first.end()).toBe(0);
    const second = await scenario.gateway([], environment(scenario, { news: GATEWAYS.news }));
    await second.command('queue', 'retry', '--all');
    await sink.until(({ accepted }) => accepted === 1);
    expect(sink.messages[0]).toMatchObject({ client: { address: '127.0.0.2' }, helo: 'news.example' });
  });
});
