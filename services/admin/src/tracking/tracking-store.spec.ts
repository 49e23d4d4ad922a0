import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type LoggedRecord, makeMessageId, type MessageId, type QueueRecord } from '@mailyard/queue';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { FactBatchWriter, readFacts } from './fact-batch.ts';
import { acceptance, claim, delivery, intent } from './mail-records.suite.ts';
import { page, trace } from './tracking-queries.ts';
import { TrackingStore } from './tracking-store.ts';

const DAY_MS = 86_400_000;
const START = 20_000 * DAY_MS;

let folder: string;
let now: number;
let store: TrackingStore;
let offset: number;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'tracking-'));
  now = START;
  offset = 0;
  store = new TrackingStore({ file: join(folder, 't.sqlite'), retentionMs: 7 * DAY_MS, now: () => now });
  log(claim(1));
});
afterEach(() => {
  store.close();
  rmSync(folder, { recursive: true });
});

function log(...records: readonly QueueRecord[]): void {
  const writer = new FactBatchWriter();
  for (const record of records) {
    const logged: LoggedRecord = { offset: offset++, appendTime: now, sizeOctets: 1, record };
    writer.add(logged);
  }
  for (const fact of readFacts(writer.take(0))) store.take(0, fact);
}

const messageOf = (number: number): MessageId =>
  makeMessageId(now, new Uint8Array([0, 0, 0, 0, 0, 0, 0, 0, number >> 8, number & 255]));

function relay(message: MessageId, sequence: number): void {
  const attempt = { term: 0, sequence };
  log(...acceptance(message, now, 1), intent(message, [0], attempt, now), delivery(message, 0, attempt, now));
}

describe('tracking store', () => {
  it('tells of a second copy that reached a next hop, but counts the recipient once', () => {
    const message = messageOf(1);
    relay(message, 1);
    store.commit();
    log(delivery(message, 0, { term: 0, sequence: 1 }, now), delivery(message, 0, { term: 0, sequence: 0 }, now));
    store.commit();
    const { events } = trace(store, message);
    expect(events.map(({ counted }) => counted)).toEqual([true, true, true, false]);
    expect(store.ledger()).toMatchObject({ accepted: 1, delivered: 1 });
  });

  it('counts once a message whose acceptance comes again after a commit', () => {
    const message = messageOf(1);
    relay(message, 1);
    store.commit();
    log(...acceptance(message, now, 1));
    store.commit();
    expect(store.ledger()).toMatchObject({ accepted: 1, delivered: 1, waiting: 0 });
    expect(trace(store, message).events).toHaveLength(3);
  });

  it('forgets days whole, a week after they are over, but none in which mail waits', () => {
    const old = messageOf(1);
    relay(old, 1);
    store.commit();
    now += DAY_MS;
    log(claim(2));
    const waiting = messageOf(2);
    log(...acceptance(waiting, now, 1));
    store.commit();
    now += 6 * DAY_MS;
    expect(store.trim()).toEqual([]);
    now += DAY_MS;
    expect(store.trim()).toEqual([20_000]);
    expect(trace(store, old).events).toEqual([]);
    now += 30 * DAY_MS;
    expect(store.trim()).toEqual([]);
    expect(trace(store, waiting).events).toHaveLength(1);
    log(delivery(waiting, 0, { term: 0, sequence: 5 }, now));
    store.commit();
    expect(store.trim()).toEqual([20_001]);
    expect(store.ledger()).toMatchObject({ accepted: 2, delivered: 2 });
    log(delivery(waiting, 0, { term: 0, sequence: 6 }, now));
    store.commit();
    expect(store.segments()).toEqual([]);
  });

  it('finds messages page by page, newest first, each once', () => {
    const ids = Array.from({ length: 450 }, (_, number) => {
      if (number % 100 === 99) now += DAY_MS;
      if (number % 100 === 99) log(claim(number));
      const message = messageOf(number);
      log(...acceptance(message, now, 2));
      return message;
    });
    store.commit();
    for (const key of [undefined, 'JOE@sender.example']) {
      const found: string[] = [];
      let token = '';
      do {
        const { messages, nextPageToken } = page(store, key, 40, token);
        expect(messages.length).toBeLessThanOrEqual(40);
        found.push(...messages.map(({ message }) => message));
        token = nextPageToken;
      } while (token !== '');
      expect(found).toEqual(ids.toReversed());
    }
    expect(page(store, ids[7], 40, '').messages).toMatchObject([
      { message: ids[7], reversePath: 'Joe@sender.example', recipients: [{ state: 'waiting' }, { state: 'waiting' }] },
    ]);
  });

  it('keeps messages apart that share a key, before and after they are committed', () => {
    const [first, second, third] = [messageOf(1), messageOf(2), messageOf(3)] as const;
    log(...acceptance(first, now, 1), ...acceptance(second, now, 1));
    store.commit();
    log(delivery(second, 0, { term: 0, sequence: 1 }, now));
    store.commit();
    expect(trace(store, first).events).toHaveLength(1);
    expect(trace(store, second).events).toHaveLength(2);
    expect(trace(store, third).events).toEqual([]);
    expect(page(store, undefined, 9, '').messages.map(({ message }) => message)).toEqual([second, first]);
  });

  it('keeps a waiting message in 250 octets, its history and what it is searched by included', () => {
    // Random, as those of real mail are.
    const ids = Array.from({ length: 5_000 }, (_, number) => makeMessageId(now + number, randomBytes(10)));
    for (const message of ids) log(...acceptance(message, now, 1));
    store.commit();
    store.foldIn();
    expect(statSync(join(folder, 't.sqlite')).size / ids.length).toBeLessThan(250);
    expect(page(store, ids[4_000], 1, '').messages[0]?.message).toBe(ids[4_000]);
  });

  it('knows what ended without its reading it, by the mark of a claim (I6)', () => {
    const message = messageOf(1);
    log(...acceptance(message, now, 2));
    store.commit();
    offset += 100;
    log(claim(2, offset));
    store.commit();
    expect(store.ledger()).toMatchObject({ accepted: 0, waiting: 0, untracked: 2 });
    expect(store.notes()[0]?.remark.message).toMatch(/records 4 to 103 were trimmed/);
    expect(page(store, message, 1, '').messages[0]?.recipients[0]?.state).toBe('untracked');
  });

  it('finds the messages that nothing was heard of for too long', () => {
    const silent = messageOf(1);
    log(...acceptance(silent, now, 1));
    const heard = messageOf(2);
    log(...acceptance(heard, now, 1));
    store.commit();
    now += 3_600_000;
    log(delivery(heard, 0, { term: 0, sequence: 1 }, now));
    store.commit();
    expect(store.quietSince(now)).toEqual({ messages: 1, example: silent });
    expect(store.quietSince(now - 3_600_000).messages).toBe(0);
  });
});
