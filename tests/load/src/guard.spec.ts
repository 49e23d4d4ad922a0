/** Guards the pace of mail in every test run: prints ratios, which noise may shift, and holds counts, which it may not. */
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describeWith } from '@mailyard/testkit/services/require-service';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { countAllocations } from './allocations.ts';
import { BenchRun, type RunPlan } from './bench-run.ts';
import { compare } from './compare.ts';
import { comparisonTable } from './comparison-table.ts';
import { MeasuredGroup } from './measured-group.ts';
import { countCalls } from './system-calls.ts';
import { distributed, startNeighbours } from './systems/distributed.ts';
import { mailyard } from './systems/mailyard.ts';
import { postfix } from './systems/postfix.ts';
import { WORKLOADS } from './workloads.ts';

const MESSAGES = 1_000;
const missing = MeasuredGroup.missing();

if (missing === undefined) {
  await describeWith(['postfix', 'strace'], 'the pace of mail', specify);
  await describeWith(['postfix', 'kafka', 'redis', 's3'], 'the pace of mail on Kafka', specifyOnKafka);
} else describe.skip(`the pace of mail (${missing})`, specify);

/** A folder for the systems, while the specs of a block run. */
function folderForAll(): () => string {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'mailyard-load-'));
    // Postfix's processes run as another user, who must be able to pass through.
    await chmod(folder, 0o755);
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));
  return () => folder;
}

function planIn(folder: string, workload: string): RunPlan {
  return { workload: WORKLOADS.get(workload)!, sizeOctets: 4_096, sessions: 20, folder };
}

function specify(): void {
  const folder = folderForAll();
  const plan = (workload: string): RunPlan => planIn(folder(), workload);

  it.each(['ingest', 'relay'])('prints its ratio to Postfix: %s', async (workload) => {
    const timing = { size: '4k', pairs: 1, pairsAStart: 1, seconds: 2 };
    const records = await compare([postfix, mailyard], { ...plan(workload), ...timing }, () => undefined);
    process.stdout.write(`\n${comparisonTable(records, postfix.name)}`);
    expect(records.filter(({ pair }) => pair === 0)).toHaveLength(2);
  });

  it('syncs once for several acceptances', async () => {
    const { syncs, syncedWrites, tcpWrites } = await countCalls(mailyard, plan('ingest'), MESSAGES);
    expect(syncs + syncedWrites).toBeLessThan(0.5);
    // The replies to MAIL, RCPT, DATA and the final dot, which a client that does not pipeline waits for one by one.
    expect(tcpWrites).toBeLessThan(4.5);
  });

  it('relays with less than one sync a message, in two writes, over connections that are used again', async () => {
    const { syncs, syncedWrites, tcpWrites, tcpConnects } = await countCalls(mailyard, plan('relay'), MESSAGES);
    expect(syncs + syncedWrites).toBeLessThan(1);
    expect(tcpWrites).toBeLessThan(6.5);
    // A connection carries 50 messages by default; 20 more are open at the end.
    expect(tcpConnects).toBeLessThan(1 / 50 + 20 / MESSAGES + 0.001);
  });

  // What was counted (30,000 and 62,100), and a seventh. It is the same on any machine within some hundredths.
  it.each([
    ['ingest', 34_500],
    ['relay', 71_500],
  ])('allocates no more than it did: %s', async (workload, octets) => {
    expect(await countAllocations(mailyard, plan(workload), 2 * MESSAGES)).toBeLessThan(octets);
  });
}

function specifyOnKafka(): void {
  const folder = folderForAll();

  it('shares its requests among messages', async () => {
    const neighbours = await startNeighbours(1);
    onTestFinished(() => neighbours.stop());
    const run = await BenchRun.start(distributed(neighbours), planIn(folder(), 'relay'));
    onTestFinished(() => run.stop());
    await run.burst(MESSAGES);
    const { logRequestsAMessage: requests, connectionsAMessage } = await run.burst(2 * MESSAGES);
    // Alone each message would take three appends, and at least three fetches by its owner and the tracker. The slower
    // the machine the more messages share a request; a quick one was seen to need 0.45 and 0.18.
    expect(requests['Produce']).toBeGreaterThan(0);
    expect(requests['Produce']).toBeLessThan(1);
    expect(requests['Fetch']).toBeLessThan(0.5);
    // A claim and a heartbeat now and then; nothing that comes with each message.
    const others = Object.entries(requests).filter(([kind]) => kind !== 'Produce' && kind !== 'Fetch');
    expect(others.reduce((sum, [, count]) => sum + count, 0)).toBeLessThan(0.1);
    expect(connectionsAMessage).toBeLessThan(1 / 50 + 20 / MESSAGES);
  }, 180_000);
}
