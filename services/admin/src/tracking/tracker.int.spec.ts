import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { EventKind } from '@mailyard/contracts/tracking';
import { MemoryQueueLog } from '@mailyard/memory';
import type { Address } from '@mailyard/mail';
import { makeMessageId, type MessageAccepted, type MessageId } from '@mailyard/queue';
import { createLogger, onMailEvent } from '@mailyard/telemetry';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { acceptance, claim, delivery, intent } from './mail-records.suite.ts';
import { Tracker } from './tracker.ts';

let folder: string;
const running: Tracker[] = [];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'tracker-'));
});
afterEach(async () => {
  for (const tracker of running.splice(0)) await tracker.stop();
  rmSync(folder, { recursive: true });
});

async function track(queueLog: MemoryQueueLog, givesWay?: () => boolean): Promise<Tracker> {
  const tracker = new Tracker({
    queueLog,
    file: join(folder, 'tracking.sqlite'),
    retentionMs: 7 * 86_400_000,
    silentAfterMs: 3_600_000,
    logger: createLogger({ write: () => undefined }),
    ...(givesWay && { givesWay }),
  });
  running.push(tracker);
  await tracker.start();
  return tracker;
}

async function stop(tracker: Tracker): Promise<void> {
  running.splice(running.indexOf(tracker), 1);
  await tracker.stop();
}

let made = 0;
function newMessage(): MessageId {
  return makeMessageId(Date.now(), new Uint8Array(10).fill(++made));
}

/** Accepts a message for so many recipients and delivers the first of them. */
async function relay(log: MemoryQueueLog, message: MessageId, recipients = 1, partition = 0): Promise<void> {
  const { firstOffset: term } = await log.append(partition, [claim(made)]);
  const attempt = { term, sequence: 1 };
  await log.append(partition, acceptance(message, Date.now(), recipients));
  await log.append(partition, [intent(message, [0], attempt, Date.now())]);
  await log.append(partition, [delivery(message, 0, attempt, Date.now())]);
}

const traceOf = (tracker: Tracker, key: string) => tracker.ask({ kind: 'trace', key, limit: 20 });
const sumsOf = async (tracker: Tracker) => (await tracker.ask({ kind: 'ledger' })).sums;

describe('tracker', () => {
  it('tells every event of a message by its id, a MID, its Message-ID, a recipient or its sender', async () => {
    const log = new MemoryQueueLog({ partitionCount: 3 });
    const tracker = await track(log);
    const message = newMessage();
    await relay(log, message, 2, 1);
    await tracker.catchUp();
    const { events, notes } = await traceOf(tracker, message);
    expect(events.map(({ kind }) => kind)).toEqual([
      EventKind.EVENT_KIND_ACCEPTED,
      EventKind.EVENT_KIND_ATTEMPT,
      EventKind.EVENT_KIND_DELIVERED,
    ]);
    expect(events[0]).toMatchObject({
      partition: 1,
      counted: true,
      acceptance: {
        icid: 'i',
        clientAddress: '192.0.2.9',
        reversePath: 'Joe@sender.example',
        copies: [{ policy: 'DEFAULT' }],
      },
      recipients: [{ recipient: 0, mid: `${message}-1`, forwardPath: `r0@${message}.example` }, { recipient: 1 }],
    });
    expect(events[2]).toMatchObject({
      host: 'mx [192.0.2.1]:25',
      dcid: 'd1',
      route: '.example',
      routeVersion: 7,
      reply: { code: 250, enhancedStatus: '2.0.0', text: 'Ok: queued as 77' },
      attempt: { sequence: 1 },
    });
    expect(notes).toEqual([]);
    for (const key of [
      `${message}-1`,
      `<${message}@sender.example>`,
      `${message}@sender.example`,
      `R0@${message}.EXAMPLE`,
      'joe@sender.example',
    ])
      expect((await traceOf(tracker, key)).events, key).toEqual(events);
    expect((await traceOf(tracker, 'nobody@sender.example')).events).toEqual([]);
  });

  it('finds a message by the recipient that it came for, whoever that became on receipt (R136)', async () => {
    const log = new MemoryQueueLog();
    const tracker = await track(log);
    const message = newMessage();
    const [accepted, ...queued] = acceptance(message, Date.now(), 2);
    const expansions = [{ received: 'Info@sender.example' as Address, alias: 'info@', version: 3, recipients: [0, 1] }];
    await log.append(0, [{ ...(accepted as MessageAccepted), expansions }, ...queued]);
    await tracker.catchUp();
    for (const key of ['info@sender.example', `r1@${message}.example`])
      expect((await traceOf(tracker, key)).events, key).toMatchObject([{ recipients: [{}, {}] }]);
    expect((await traceOf(tracker, 'inf@sender.example')).events).toEqual([]);
  });

  it('goes on where it was after a restart, and its position is what it committed', async () => {
    const log = new MemoryQueueLog();
    const first = await track(log);
    expect(first.position(0)).toBe(0);
    await relay(log, newMessage());
    await first.catchUp();
    await sumsOf(first);
    await vi.waitFor(() => expect(first.position(0)).toBe(5));
    const waiting = newMessage();
    await log.append(0, acceptance(waiting, Date.now(), 2));
    await stop(first);

    const second = await track(log);
    expect(second.position(0)).toBe(8);
    await relay(log, newMessage());
    await second.catchUp();
    expect(await sumsOf(second)).toMatchObject({ accepted: 4, delivered: 2, waiting: 2 });
    expect((await traceOf(second, waiting)).events).toHaveLength(1);
    expect(await second.lag()).toBe(0);
  });

  it('rests after each piece while others need the time more, and gets there all the same', async () => {
    const log = new MemoryQueueLog({ partitionCount: 1 });
    const asked: number[] = [];
    const tracker = await track(log, () => asked.push(performance.now()) > 0);
    for (let i = 0; i < 5; i++) await relay(log, newMessage());
    await vi.waitFor(async () => expect(await sumsOf(tracker)).toMatchObject({ delivered: 5 }), 45_000);
    expect(asked.length).toBeGreaterThan(1);
    // Timers may come a little early.
    for (const [i, at] of asked.slice(1).entries()) expect(at - asked[i]!).toBeGreaterThan(90);
  });

  it('still tells of mail that was trimmed off the log', async () => {
    const log = new MemoryQueueLog();
    const tracker = await track(log);
    const message = newMessage();
    await relay(log, message);
    await tracker.catchUp();
    await log.trim(0, 5);
    expect((await traceOf(tracker, message)).events).toHaveLength(3);
    expect((await traceOf(tracker, message)).notes).toEqual([]);
  });

  it('says what was trimmed before it could read it, and leaves it out of its sums', async () => {
    const log = new MemoryQueueLog();
    await relay(log, newMessage());
    const half = newMessage();
    const { firstOffset: term } = await log.append(0, [claim(99)]);
    await log.append(0, acceptance(half, Date.now(), 1));
    await log.trim(0, term + 2);
    const tracker = await track(log);
    await log.append(0, [delivery(half, 0, { term, sequence: 9 }, Date.now())]);
    await tracker.catchUp();
    const { events, notes } = await traceOf(tracker, half);
    expect(events.map(({ kind }) => kind)).toEqual([EventKind.EVENT_KIND_DELIVERED]);
    expect(notes[0]!.remark.message).toMatch(/partition 0: records 0 to 6 were trimmed before they were read here/);
    expect(await sumsOf(tracker)).toMatchObject({ accepted: 0, delivered: 0 });
  });

  it('begins anew, says so and alarms nobody when its file is none', async () => {
    const log = new MemoryQueueLog();
    const message = newMessage();
    await relay(log, message);
    writeFileSync(join(folder, 'tracking.sqlite'), 'garbage '.repeat(1_000));
    const tracker = await track(log);
    await tracker.catchUp();
    const { events, notes } = await traceOf(tracker, message);
    expect(events).toHaveLength(3);
    expect(notes[0]!.remark.message).toMatch(/could not be read and was put aside/);
    expect(readdirSync(folder).some((name) => name.startsWith('tracking.sqlite.aside-'))).toBe(true);
  });

  it('starts at once on a file of the version before, and answers when that is converted', async () => {
    const database = new DatabaseSync(join(folder, 'tracking.sqlite'));
    database.exec(`
      CREATE TABLE meta (key TEXT PRIMARY KEY, value NOT NULL) WITHOUT ROWID;
      INSERT INTO meta VALUES ('schema', 1), ('since', 5);
      CREATE TABLE messages_20000 (seq INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, partition INTEGER NOT NULL,
        waiting INTEGER NOT NULL, quiet_until INTEGER NOT NULL, full_state INTEGER NOT NULL, history BLOB NOT NULL);
      CREATE TABLE terms_20000 (term INTEGER NOT NULL, seq INTEGER NOT NULL, PRIMARY KEY (term, seq)) WITHOUT ROWID;
    `);
    database.close();
    const log = new MemoryQueueLog();
    const message = newMessage();
    await relay(log, message);
    const tracker = await track(log);
    await vi.waitFor(() => expect(tracker.problem).toBeUndefined());
    await tracker.catchUp();
    expect((await traceOf(tracker, message)).events).toHaveLength(3);
    expect((await tracker.ask({ kind: 'ledger' })).since).toBe(5);
  });

  it('raises an alarm when its file cannot be opened, and answers that it is away', async () => {
    const alarms: string[] = [];
    const stopListening = onMailEvent((event) => event.kind === 'alarm' && alarms.push(event.name));
    const tracker = new Tracker({
      queueLog: new MemoryQueueLog(),
      file: join(folder, 'no', 'such', 'folder.sqlite'),
      retentionMs: 1,
      silentAfterMs: 1,
      logger: createLogger({ write: () => undefined }),
    });
    running.push(tracker);
    await tracker.start();
    stopListening();
    expect(alarms).toEqual(['tracker-failed']);
    expect(tracker.problem).toMatch(/unable to open/);
    await expect(traceOf(tracker, 'x')).rejects.toMatchObject({ code: 'TRACKER_AWAY' });
  });
});
