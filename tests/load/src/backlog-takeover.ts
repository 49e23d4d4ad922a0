/**
 * How long mail waits for another worker when one dies: two delivery workers on Kafka, each with half of a backlog.
 *
 *     node tests/load/src/backlog-takeover.ts [--recipients 250000] [--domains 25000] [--rounds 3]
 *
 * With 250,000 recipients the worker that is left takes over 125,000: what one of eight workers has of a million. The
 * clock runs from SIGKILL until the other owns all and has looked at all of it; Kafka's session timeout is in it.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { KafkaQueueLog } from '@mailyard/kafka';
import { runCommand } from '@mailyard/testkit/services/command';
import { stringify } from 'yaml';
import { type BacklogPlan, fillLog } from './backlog-log.ts';
import { MeasuredGroup } from './measured-group.ts';
import { S3_SECRET, settingsOn, startNeighbours } from './systems/distributed.ts';
import { MAILYARD_PROGRAM, type RunningMailyard, startMailyard } from './systems/mailyard.ts';

const { values } = parseArgs({
  options: {
    recipients: { type: 'string', default: '250000' },
    domains: { type: 'string', default: '25000' },
    rounds: { type: 'string', default: '3' },
  },
});
const PARTITIONS = 8;
const WITHIN_MS = 300_000;
const POLL_MS = 50;

interface Worker {
  readonly group: MeasuredGroup;
  readonly running: RunningMailyard;
}

const recipients = Number(values.recipients);
const plan: BacklogPlan = {
  recipients: recipients / PARTITIONS,
  domains: Number(values.domains),
  perMessage: 1,
  bodyOctets: 1_024,
  overdue: 0,
  dueAfterMs: 3_600_000,
};
const folder = await mkdtemp(join(tmpdir(), 'mailyard-takeover-'));
const neighbours = await startNeighbours(1);
const workers: Worker[] = [];
let front: Worker | undefined;
try {
  const name = `takeover-${process.pid}`;
  const config = join(folder, 'mailyard.yaml');
  writeFileSync(config, stringify(settingsOn(neighbours, name)));
  const environment = { [S3_SECRET]: neighbours.s3.secretAccessKey };
  await runCommand(MAILYARD_PROGRAM, ['init', '--config', config], environment);

  const start = async (role: string, title: string, more: Readonly<Record<string, string>> = {}): Promise<Worker> => {
    const group = new MeasuredGroup(title);
    const own = join(folder, title);
    mkdirSync(own);
    const words = ['--config', config, '--roles', role, '--data', join(own, 'data')];
    const of = { folder: own, group, routes: [], mode: 'relay', environment: { ...environment, ...more } } as const;
    return { group, running: await startMailyard(of, title, words) };
  };
  front = await start('routing', 'front');
  const routing = { MAILYARD_ROUTING_ADDRESSES: JSON.stringify([front.running.grpc]) };

  let began = performance.now();
  const log = await KafkaQueueLog.open({
    brokers: [...neighbours.kafka.bootstrap],
    topic: name,
    groupId: `${name}-filling`,
    partitions: PARTITIONS,
  });
  for (let partition = 0; partition < PARTITIONS; partition++)
    await fillLog(log, partition, plan, partition * plan.recipients);
  await log.close();
  say('filled', seconds(began));

  began = performance.now();
  workers.push(await start('delivery', 'worker-0', routing));
  await until(async () => (await waitingAt(workers[0]!)) >= recipients);
  say(`one worker alone takes all ${recipients}`, seconds(began));
  for (let round = 1; round <= Number(values.rounds); round++) {
    workers.push(await start('delivery', `worker-${round}`, routing));
    const [older, younger] = workers as [Worker, Worker];
    await until(
      async () => (await waitingAt(older)) === recipients / 2 && (await waitingAt(younger)) === recipients / 2,
    );
    began = performance.now();
    const cpu = younger.group.cpuSeconds();
    for (const pid of older.group.pids()) process.kill(pid, 'SIGKILL');
    workers.shift();
    await until(async () => (await waitingAt(younger)) >= recipients);
    const took = (younger.group.cpuSeconds() - cpu).toFixed(1);
    say(`round ${round}: ${recipients / 2} taken over from one that was killed`, `${seconds(began)}, ${took} s of CPU`);
    await older.group.end();
  }
} finally {
  for (const { running, group } of workers) {
    await running.stop();
    await group.end();
  }
  await front?.running.stop();
  await front?.group.end();
  await neighbours.stop();
  await rm(folder, { recursive: true });
}

function say(what: string, figure: string): void {
  process.stdout.write(`${what.padEnd(58)} ${figure}\n`);
}

function seconds(since: number): string {
  return `${((performance.now() - since) / 1_000).toFixed(1)} s`;
}

/** Recipients in the partitions that a worker owns. */
async function waitingAt({ running }: Worker): Promise<number> {
  const page = await (await fetch(`http://${running.http}/metrics`)).text();
  return Number(/^mailyard_waiting_recipients(?:\{[^}]*\})? (\d+)/m.exec(page)?.[1] ?? 0);
}

async function until(condition: () => Promise<boolean>): Promise<void> {
  for (const deadline = performance.now() + WITHIN_MS; !(await condition()); await sleep(POLL_MS))
    if (performance.now() > deadline) throw new Error(`nothing changed within ${WITHIN_MS / 1_000} s`);
}
