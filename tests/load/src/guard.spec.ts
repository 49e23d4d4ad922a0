/** Guards the pace of mail in every test run: prints ratios, which noise may shift, and holds counts, which it may not. */
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describeWith } from '@mailyard/testkit/services/require-service';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { RunPlan } from './bench-run.ts';
import { compare } from './compare.ts';
import { comparisonTable } from './comparison-table.ts';
import { MeasuredGroup } from './measured-group.ts';
import { countCalls } from './system-calls.ts';
import { mailyard } from './systems/mailyard.ts';
import { postfix } from './systems/postfix.ts';
import { WORKLOADS } from './workloads.ts';

const MESSAGES = 1_000;
const missing = MeasuredGroup.missing();

if (missing === undefined) await describeWith(['postfix', 'strace'], 'the pace of mail', specify);
else describe.skip(`the pace of mail (${missing})`, specify);

function specify(): void {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'mailyard-load-'));
    // Postfix's processes run as another user, who must be able to pass through.
    await chmod(folder, 0o755);
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  const plan = (workload: string): RunPlan => ({
    workload: WORKLOADS.get(workload)!,
    sizeOctets: 4_096,
    sessions: 20,
    folder,
  });

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
}
