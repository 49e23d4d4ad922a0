/**
 * What a great backlog takes and costs: a real gateway on a data folder with a million waiting recipients.
 *
 *     node tests/load/src/backlog-million.ts [--recipients N] [--domains N] [--per-message N] [--body OCTETS]
 *                                            [--overdue SHARE] [--due-after MINUTES] [--rounds N] [--messages N]
 *                                            [--data FOLDER]
 *
 * The folder is filled through the codec and the disk driver, and kept when it is named. The domains are led by the DNS
 * to hosts of their own that refuse connections. A second gateway with an empty queue runs beside it, and the two take
 * turns in accepting and relaying mail for a healthy host, so that the pace is compared on the same machine. Figures of
 * memory are read through the inspector after a full collection of garbage, those of the event loop from /metrics.
 */
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { SmtpSink } from '@mailyard/testkit/smtp-sink';
import { type DelayWatch, ObservedGateway } from './backlog-gateway.ts';
import { startBacklogDns } from './backlog-dns.ts';
import { backlogDomain, fillDataFolder } from './backlog-log.ts';
import { askViews } from './backlog-views.ts';
import { runCommand } from '@mailyard/testkit/services/command';
import { printSpread, spreadOf } from './statistics.ts';

const { values } = parseArgs({
  options: {
    recipients: { type: 'string', default: '1000000' },
    domains: { type: 'string', default: '100000' },
    'per-message': { type: 'string', default: '1' },
    body: { type: 'string', default: '1024' },
    overdue: { type: 'string', default: '0' },
    'due-after': { type: 'string', default: '10' },
    rounds: { type: 'string', default: '5' },
    messages: { type: 'string', default: '4000' },
    data: { type: 'string' },
  },
});
const plan = {
  recipients: Number(values.recipients),
  domains: Number(values.domains),
  perMessage: Number(values['per-message']),
  bodyOctets: Number(values.body),
  overdue: Number(values.overdue),
  dueAfterMs: 60_000 * Number(values['due-after']),
};
const rounds = Number(values.rounds);
const messages = Number(values.messages);
const VIEW_ROUNDS = 10;

function say(what: string, figure: string | number): void {
  process.stdout.write(`${what.padEnd(58)} ${figure}\n`);
}

const seconds = (since: number): string => `${((performance.now() - since) / 1_000).toFixed(1)} s`;

const scratch = await mkdtemp(join(tmpdir(), 'mailyard-backlog-'));
const data = values.data ?? join(scratch, 'full');
const dns = await startBacklogDns();
const sink = await SmtpSink.start({ keep: 'none' });
// A name for each run: a folder that is used again knows an earlier one by another port.
const HEALTHY = `healthy${sink.port}.load.test`;
const words = ['--dns', dns.address, '--accept', `${HEALTHY}=127.0.0.1:${sink.port}`];
const running: ObservedGateway[] = [];
let delays: DelayWatch | undefined;
let control: DelayWatch | undefined;
try {
  if (!existsSync(join(data, 'queue'))) {
    const began = performance.now();
    await fillDataFolder(data, plan);
    say('filled in', seconds(began));
  }
  const empty = await ObservedGateway.start(['--data', join(scratch, 'empty'), ...words], join(scratch, 'empty.log'));
  running.push(empty);
  await relay(empty);
  const base = await empty.memory();
  let began = performance.now();
  let full = await ObservedGateway.start(['--data', data, ...words], join(scratch, 'full.log'));
  running.push(full);
  say('ready to take mail', seconds(began));
  await full.until('mailyard_waiting_recipients', (waiting) => waiting >= plan.recipients);
  say('all folded and owned', `${seconds(began)}, ${full.mainThreadSeconds().toFixed(1)} s of CPU of the main thread`);
  await relay(full, 1);
  say('first delivery of new mail', seconds(began));
  await full.until('mailyard_tracker_lag_records', (lag) => lag === 0);
  say('tracker has caught up', seconds(began));
  await report('first start, tracker new', full, base.octets);
  await full.stop();

  began = performance.now();
  full = await ObservedGateway.start(['--data', data, ...words], join(scratch, 'full.log'));
  running.push(full);
  delays = full.watchDelay();
  control = empty.watchDelay();
  await full.until('mailyard_waiting_recipients', (waiting) => waiting >= plan.recipients);
  say(
    'second start: all folded and owned',
    `${seconds(began)}, ${full.mainThreadSeconds().toFixed(1)} s of CPU of the main thread`,
  );
  await relay(full, 1);
  say('second start: first delivery of new mail', seconds(began));
  await sleep(10_000);
  say('event loop delay p99 by the second, while folding', printDelays());
  await report('second start', full, base.octets);
  // The collection of garbage that the report asks for is not the gateway's own delay.
  await sleep(2_000);
  printDelays();
  await sleep(10_000);
  say('event loop delay p99 by the second, idle', printDelays());
  await views(full, 'idle');
  say('event loop delay p99 by the second, under views', printDelays());

  const wall: number[] = [];
  const cpu: number[] = [];
  await relay(full);
  printDelays();
  for (let round = 0; round < rounds; round++) {
    const pair = round % 2 === 0 ? ([empty, full] as const) : ([full, empty] as const);
    const paces = new Map<ObservedGateway, Awaited<ReturnType<typeof relay>>>();
    for (const gateway of pair) paces.set(gateway, await relay(gateway));
    const [without, beside] = [paces.get(empty)!, paces.get(full)!];
    wall.push(beside.aSecond / without.aSecond);
    cpu.push(beside.aCpuSecond / without.aCpuSecond);
    say(
      `round ${round}: relayed a second, without / with`,
      `${without.aSecond.toFixed(0)} / ${beside.aSecond.toFixed(0)}`,
    );
  }
  say('pace with the backlog, as a share of the pace without', printSpread(spreadOf(wall)));
  say('the same by the CPU second', printSpread(spreadOf(cpu)));
  say('event loop delay p99 by the second, under load', printDelays());
  const load = relay(full, messages * 3);
  await views(full, 'under load');
  await load;
  delays.stop();
  control.stop();
  await report('at the end', full, base.octets);
} finally {
  for (const gateway of running) await gateway.stop();
  await sink.stop();
  await dns.stop();
  await rm(scratch, { recursive: true });
}

/** The delays of both gateways since they were printed last: of the one with the empty queue what the machine adds. */
function printDelays(): string {
  const [beside, without] = [delays, control].map((watch) => watch!.take().map((delay) => 1_000 * delay));
  return `worst ${Math.max(...beside!).toFixed(0)}, median ${spreadOf(beside!).median.toFixed(0)} ms (empty queue: ${Math.max(
    ...without!,
  ).toFixed(0)}, ${spreadOf(without!).median.toFixed(0)})`;
}

async function report(when: string, gateway: ObservedGateway, baseOctets: number): Promise<void> {
  const { octets, heapOctets, rssOctets } = await gateway.memory();
  say(`${when}: octets a recipient, heap and external`, ((octets - baseOctets) / plan.recipients).toFixed(0));
  say(`${when}: heap used, MiB`, (heapOctets / 2 ** 20).toFixed(0));
  say(`${when}: resident, MiB (peak)`, `${(rssOctets / 2 ** 20).toFixed(0)} (${gateway.peakMiB().toFixed(0)})`);
}

/** Sends mail for the healthy host over 20 sessions and waits until all has arrived. */
async function relay(
  gateway: ObservedGateway,
  count = messages,
): Promise<{ readonly aSecond: number; readonly aCpuSecond: number }> {
  const before = sink.accepted;
  const cpu = await gateway.value('process_cpu_seconds_total');
  const began = performance.now();
  const address = ['-f', `sender@client.load.test`, '-t', `u@${HEALTHY}`, `127.0.0.1:${gateway.smtpPort}`];
  await runCommand('smtp-source', ['-4', '-d', '-N', '-s', '20', '-m', String(count), '-l', '4096', ...address]);
  await sink.until(({ accepted }) => accepted >= before + count, 300_000);
  const took = (performance.now() - began) / 1_000;
  const cpuTook = (await gateway.value('process_cpu_seconds_total')) - cpu;
  return { aSecond: count / took, aCpuSecond: count / cpuTook };
}

async function views(gateway: ObservedGateway, when: string): Promise<void> {
  for (const [view, times] of await askViews(gateway.grpc, backlogDomain(17), VIEW_ROUNDS))
    say(`${view}, ${when}, ms`, printSpread(spreadOf(times)));
}
