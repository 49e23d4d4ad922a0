import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { makeMessageId, type QueueRecord } from '@mailyard/queue';
import { readRoute, DEFAULT_ROUTE_RULES, RouteTable, type TablePair } from '@mailyard/smtp-routes';
import * as fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { FactBatchWriter, readFacts } from './fact-batch.ts';
import { acceptance, claim, delivery, intent } from './mail-records.suite.ts';
import { PastMail, readPastQuestion } from './past-mail.ts';
import { pastRecipients } from './past-recipients.ts';
import type { Answers, Question } from './tracking-messages.ts';
import { TrackingStore } from './tracking-store.ts';

const DAY_MS = 86_400_000;
const START = 20_000 * DAY_MS;
const HOUR_MS = 3_600_000;
const NEVER = new AbortController().signal;
const catchUp = async (): Promise<void> => undefined;

let folder: string;
let opened: number;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'past-'));
  opened = 0;
});
afterEach(() => rmSync(folder, { recursive: true }));

interface Mail {
  /** Hours before now. */
  readonly age: number;
  readonly recipients: number;
}

function open(mails: readonly Mail[], now = START): { store: TrackingStore; ids: string[] } {
  const file = join(folder, `${opened++}.sqlite`);
  let clock = now - 6 * DAY_MS;
  const store = new TrackingStore({ file, retentionMs: 7 * DAY_MS, now: () => clock });
  let offset = 0;
  const log = (appendTime: number, ...records: readonly QueueRecord[]): void => {
    const writer = new FactBatchWriter();
    for (const record of records) writer.add({ offset: offset++, appendTime, sizeOctets: 1, record });
    for (const fact of readFacts(writer.take(0))) store.take(0, fact);
  };
  log(now, claim(1));
  clock = now;
  const ids = mails.map(({ age, recipients }, number) => {
    const at = now - age * HOUR_MS;
    const message = makeMessageId(at, new Uint8Array([number, 0, 0, 0, 0, 0, 0, 0, 0, 0]));
    log(at, ...acceptance(message, at, recipients));
    store.commit();
    const attempt = { term: 0, sequence: number };
    log(at, intent(message, [0], attempt, at), delivery(message, 0, attempt, at));
    return `${message}.example`;
  });
  store.commit();
  return { store, ids };
}

/** A read model that answers in this thread. */
function mailOf(store: TrackingStore): PastMail {
  const ask = async <K extends Question['kind']>(question: Extract<Question, { kind: K }>): Promise<Answers[K]> => {
    if (question.kind !== 'past') throw new Error('not asked for here');
    return pastRecipients(store, question as Extract<Question, { kind: 'past' }>) as unknown as Answers[K];
  };
  return new PastMail({ tracker: { ask, catchUp }, now: () => START });
}

function table(destination: string): RouteTable {
  const read = readRoute({ receivingDomain: 'ALL', destinations: [destination] }, DEFAULT_ROUTE_RULES);
  return new RouteTable(1, 'covering', 'route' in read ? [{ item: read.route, since: 1 }] : []);
}

const tables = (): TablePair => ({ before: table('a.test'), after: table('/dev/null') });

describe('mail of the past under another table', () => {
  it('is all that was accepted within the time, whichever day and however much, newest first', async () => {
    const mails = fc.array(
      fc.record({ age: fc.integer({ min: 0, max: 40 }), recipients: fc.integer({ min: 1, max: 4 }) }),
    );
    await fc.assert(
      fc.asyncProperty(
        mails,
        fc.integer({ min: 1, max: 48 }),
        fc.integer({ min: 1, max: 30 }),
        async (all, hours, limit) => {
          const { store, ids } = open(all);
          try {
            const found = await mailOf(store).compare(tables(), { seconds: hours * 3_600, limit }, NEVER);
            const within = all.filter(({ age }) => age <= hours);
            const sum = within.reduce((total, { recipients }) => total + recipients, 0);
            expect(found.recipients).toBe(Math.min(sum, limit));
            expect(found).toMatchObject({ moved: found.recipients, discarded: found.recipients });
            expect(found.cut).toBe(sum > limit ? 'limit' : undefined);
            if (found.cut === undefined) expect(found.from).toBe(START - hours * HOUR_MS);
            // Nothing is looked at that is older than what was left out.
            const looked = new Set(found.changes.map(({ domain }) => domain));
            const ages = all.flatMap(({ age }, index) => (looked.has(ids[index]!) ? [age] : []));
            const others = within.flatMap(({ age }, index) =>
              looked.has(ids[all.indexOf(within[index]!)]!) ? [] : [age],
            );
            for (const age of ages) for (const other of others) expect(age).toBeLessThanOrEqual(other);
          } finally {
            store.close();
          }
        },
      ),
      { numRuns: 30 },
    );
  });

  it('tells what is not known, and that time was over', async () => {
    const { store } = open([{ age: 1, recipients: 3 }]);
    const found = await mailOf(store).compare(tables(), { seconds: 30 * 86_400, limit: 10 }, NEVER);
    expect(found).toMatchObject({ recipients: 3, cut: 'kept', from: START - 6 * DAY_MS });
    store.close();
  });

  it('ends after its time, and tells how far it came', async () => {
    const place = { day: 19_999, before: 9 };
    const page = { domains: [], place, reached: START - HOUR_MS, isCut: false, keptSince: 0, tookMs: 0 };
    const ask = async () => page as never;
    const mail = new PastMail({ tracker: { ask, catchUp }, now: () => START, mostMs: 0 });
    const found = await mail.compare(tables(), { seconds: 86_400, limit: 10 }, NEVER);
    expect(found).toMatchObject({ recipients: 0, cut: 'time', from: START - HOUR_MS, to: START });
  });

  it('ends when the caller goes, and lets others look', async () => {
    const { store } = open([{ age: 1, recipients: 3 }]);
    const gone = new AbortController();
    gone.abort(new Error('gone'));
    const mail = mailOf(store);
    await expect(mail.compare(tables(), readPastQuestion({ seconds: 0, limit: 0 }), gone.signal)).rejects.toThrow(
      'gone',
    );
    const found = await mail.compare(tables(), readPastQuestion({ seconds: 0, limit: 0 }), NEVER);
    expect(found.recipients).toBe(3);
    store.close();
  });
});
