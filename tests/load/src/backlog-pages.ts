/**
 * What the web page's lists take at a million waiting recipients, and what open pages cost delivery.
 *
 *     node tests/load/src/backlog-pages.ts [--recipients N] [--domains N] [--asked N] [--rounds N] [--messages N]
 *                                          [--watched SECONDS] [--data FOLDER]
 *
 * Nothing that waits is due within the hour, so that only the views and the mail that is relayed cost anything. Each
 * list is asked with pauses in which its kept answer ages, as a viewer does; the first answer stands by itself. Then
 * the CPU time of the process is watched while nothing is relayed, with no page open, each alone and all three: what
 * others do on the machine is not in it. At last mail is relayed with no page open and with three open pages in turn,
 * each polling as its script does.
 */
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { cp, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { runCommand } from '@mailyard/testkit/services/command';
import { SmtpSink } from '@mailyard/testkit/smtp-sink';
import { startBacklogDns } from './backlog-dns.ts';
import { ObservedGateway } from './backlog-gateway.ts';
import { backlogDomain, fillDataFolder } from './backlog-log.ts';
import { type PageCall, PageCaller } from './page-caller.ts';
import { MAILYARD_PROGRAM } from './systems/mailyard.ts';
import { printNumber, printSpread, quantile, spreadOf } from './statistics.ts';

const { values } = parseArgs({
  options: {
    recipients: { type: 'string', default: '1000000' },
    domains: { type: 'string', default: '100000' },
    asked: { type: 'string', default: '60' },
    rounds: { type: 'string', default: '5' },
    messages: { type: 'string', default: '4000' },
    watched: { type: 'string', default: '60' },
    data: { type: 'string' },
  },
});
const plan = {
  recipients: Number(values.recipients),
  domains: Number(values.domains),
  perMessage: 1,
  bodyOctets: 1_024,
  overdue: 0,
  dueAfterMs: 86_400_000,
};
const asked = Number(values.asked);
const messages = Number(values.messages);
const NAME = 'load';
const PASSWORD = 'only for this measurement';
/** Between two requests of one list. */
const PAUSE_MS = 250;

const one = encodeURIComponent(backlogDomain(17));
const LISTS: Readonly<Record<string, PageCall>> = {
  overview: { path: '/overview' },
  'destinations, most waiting first': { path: '/destinations?limit=50' },
  'destinations, a late page': { path: '/destinations?limit=50&offset=9000' },
  'destinations by name': { path: '/destinations?limit=50&sort=destination' },
  'destinations by next attempt': { path: '/destinations?limit=50&sort=nextAttemptAt' },
  'destinations, searched': { path: '/destinations?limit=50&search=d77' },
  'one destination': { path: `/destination?destination=${one}` },
  'recipients of a destination': { path: `/recipients?destination=${one}&limit=50` },
  'recipients of a domain': { path: `/recipients?domain=${one}&limit=50` },
  'recipients of all': { path: '/recipients?limit=50' },
  'dry run of a retry of one domain': {
    method: 'POST',
    path: '/retry',
    body: { scope: { kind: 'domain', domain: backlogDomain(17) }, dryRun: true },
  },
  'dry run of a retry of all': { method: 'POST', path: '/retry', body: { scope: { kind: 'all' }, dryRun: true } },
  routes: { path: '/routes?limit=50' },
  'changes pending, with their effect': { path: '/pending' },
  'messages, newest first': { path: '/messages?limit=50' },
  'messages of a recipient': { path: `/messages?limit=50&search=recipient.17.0@${one}` },
};
/** What an open page asks, and how often. */
type Polls = readonly (readonly [call: PageCall, everyMs: number])[];
const BADGE = [{ path: '/pending/count' }, 10_000] as const;
const PAGES: Readonly<Record<string, Polls>> = {
  overview: [[LISTS['overview']!, 3_000], BADGE],
  'queue by next attempt': [[LISTS['destinations by next attempt']!, 3_000], BADGE],
  'commit page': [[LISTS['changes pending, with their effect']!, 3_000], BADGE],
};
const THREE_PAGES: Polls = Object.values(PAGES).flat();

function say(what: string, figure: string | number): void {
  process.stdout.write(`${what.padEnd(58)} ${figure}\n`);
}

const scratch = await mkdtemp(join(tmpdir(), 'mailyard-pages-'));
const data = join(scratch, 'data');
const dns = await startBacklogDns();
const sink = await SmtpSink.start({ keep: 'none' });
const HEALTHY = `healthy${sink.port}.load.test`;
let gateway: ObservedGateway | undefined;
try {
  const kept = values.data ?? data;
  if (!existsSync(join(kept, 'queue'))) await fillDataFolder(kept, plan);
  if (kept !== data) await cp(kept, data, { recursive: true });
  execFileSync(MAILYARD_PROGRAM, ['user', 'set', NAME, '--data', data], {
    input: `${PASSWORD}\n`,
    stdio: ['pipe', 'ignore', 'inherit'],
  });
  const words = ['--dns', dns.address, '--accept', `${HEALTHY}=127.0.0.1:${sink.port}`];
  gateway = await ObservedGateway.start(['--data', data, ...words], join(scratch, 'log'));
  await gateway.until('mailyard_waiting_recipients', (waiting) => waiting >= plan.recipients);
  await gateway.until('mailyard_tracker_lag_records', (lag) => lag === 0);
  await relay(gateway);
  const caller = await PageCaller.signIn(gateway.http, NAME, PASSWORD);
  // A change that moves all the mail, left pending.
  const edit = {
    kind: 'set',
    route: { receivingDomain: 'ALL', destinations: ['192.0.2.1'] },
    expect: 'present',
  };
  await caller.time({ method: 'POST', path: '/pending/edits', body: { edits: [edit] } });
  let delays = gateway.watchDelay();
  await sleep(10_000);
  say('event loop delay p99 by the second, idle: worst', milliseconds(Math.max(...delays.take()) * 1_000));
  for (const [name, call] of Object.entries(LISTS)) {
    const first = await caller.time(call);
    const times: number[] = [];
    delays.take();
    for (let round = 0; round < asked; round++) {
      await sleep(PAUSE_MS);
      times.push(await caller.time(call));
    }
    times.sort((a, b) => a - b);
    const [p50, p95, p99] = [0.5, 0.95, 0.99].map((share) => printNumber(quantile(times, share)));
    const delay = printNumber(Math.max(...delays.take()) * 1_000);
    say(`${name}, ms`, `first ${printNumber(first)}  p50 ${p50}  p95 ${p95}  p99 ${p99}  loop delay ${delay}`);
  }

  delays.stop();
  const watchedMs = Number(values.watched) * 1_000;
  const spent: Record<string, number> = {};
  for (const [name, polls] of [['none', []], ...Object.entries(PAGES), ['all three', THREE_PAGES]] as const) {
    const close = openPages(polls, caller, []);
    // The first polls and what they renew are over before the clock starts.
    await sleep(3_000);
    const [cpu, began] = [gateway.cpuSeconds(), performance.now()];
    await sleep(watchedMs);
    spent[name] = ((gateway.cpuSeconds() - cpu) * 1_000_000) / (performance.now() - began);
    close();
    const more = name === 'none' ? '' : `  by the page ${printNumber(spent[name] - spent['none']!)}`;
    say(`CPU, ms a second, page open: ${name}`, `${printNumber(spent[name])}${more}`);
  }

  delays = gateway.watchDelay();
  await relay(gateway);
  const shares: number[] = [];
  const cpuShares: number[] = [];
  const loopDelays: { alone: number[]; open: number[] } = { alone: [], open: [] };
  const under: number[] = [];
  for (let round = 0; round < Number(values.rounds); round++) {
    const paces = new Map<boolean, Awaited<ReturnType<typeof relay>>>();
    for (const isOpen of round % 2 === 0 ? [false, true] : [true, false]) {
      const close = isOpen ? openPages(THREE_PAGES, caller, under) : () => undefined;
      // The first polls and what they renew are over before the clock starts.
      await sleep(isOpen ? 3_000 : 500);
      delays.take();
      paces.set(isOpen, await relay(gateway));
      loopDelays[isOpen ? 'open' : 'alone'].push(Math.max(0, ...delays.take()) * 1_000);
      close();
    }
    const [alone, open] = [paces.get(false)!, paces.get(true)!];
    shares.push(open.aSecond / alone.aSecond);
    cpuShares.push(open.aCpuSecond / alone.aCpuSecond);
    say(
      `round ${round}: relayed a second, no page / three`,
      `${alone.aSecond.toFixed(0)} / ${open.aSecond.toFixed(0)}`,
    );
  }
  delays.stop();
  say('pace with three pages open, as a share', printSpread(spreadOf(shares)));
  say('the same by the CPU second', printSpread(spreadOf(cpuShares)));
  say('loop delay p99 of the worst second, no page, ms', printSpread(spreadOf(loopDelays.alone)));
  say('loop delay p99 of the worst second, three pages, ms', printSpread(spreadOf(loopDelays.open)));
  under.sort((a, b) => a - b);
  const [p50, p95, p99] = [0.5, 0.95, 0.99].map((share) => printNumber(quantile(under, share)));
  say('answers to the open pages meanwhile, ms', `p50 ${p50}  p95 ${p95}  p99 ${p99}  of ${under.length}`);
} finally {
  await gateway?.stop();
  await sink.stop();
  await dns.stop();
  await rm(scratch, { recursive: true });
}

function milliseconds(value: number): string {
  return `${value.toFixed(0)} ms`;
}

/** Polls as the pages do until it is called off. */
function openPages(polls: Polls, caller: PageCaller, times: number[]): () => void {
  let isOver = false;
  for (const [call, everyMs] of polls) {
    const poll = async (): Promise<void> => {
      while (!isOver) {
        times.push(await caller.time(call));
        await sleep(everyMs);
      }
    };
    void poll();
  }
  return () => {
    isOver = true;
  };
}

/** Sends mail for the healthy host over 20 sessions and waits until all has arrived. */
async function relay(to: ObservedGateway): Promise<{ readonly aSecond: number; readonly aCpuSecond: number }> {
  const before = sink.accepted;
  const cpu = await to.value('process_cpu_seconds_total');
  const began = performance.now();
  const address = ['-f', 'sender@client.load.test', '-t', `u@${HEALTHY}`, `127.0.0.1:${to.smtpPort}`];
  await runCommand('smtp-source', ['-4', '-d', '-N', '-s', '20', '-m', String(messages), '-l', '4096', ...address]);
  await sink.until(({ accepted }) => accepted >= before + messages, 300_000);
  const took = (performance.now() - began) / 1_000;
  return { aSecond: messages / took, aCpuSecond: messages / ((await to.value('process_cpu_seconds_total')) - cpu) };
}
