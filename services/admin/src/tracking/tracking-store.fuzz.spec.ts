import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { emptyPartition, fold, type LoggedRecord, type MessageId } from '@mailyard/queue';
import * as fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { FactBatchWriter, readFacts } from './fact-batch.ts';
import { randomLog, START } from './random-log.suite.ts';
import { idIn } from './segment.ts';
import { TrackedMessage } from './tracked-message.ts';
import { TrackingStore } from './tracking-store.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'tracking-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

let opened = 0;
function openStore(file = join(folder, `${opened++}.sqlite`)): { store: TrackingStore; file: string } {
  return { store: new TrackingStore({ file, retentionMs: 7 * 86_400_000, now: () => START }), file };
}

function take(store: TrackingStore, records: readonly LoggedRecord[]): void {
  const writer = new FactBatchWriter();
  for (const record of records) writer.add(record);
  for (const fact of readFacts(writer.take(0))) store.take(0, fact);
}

/** What the read model says of each recipient that it knows: its state, and when it is due where it waits. */
function tracked(store: TrackingStore): Map<string, string> {
  const states = new Map<string, string>();
  for (const segment of store.segments()) {
    for (const row of segment.newest(Number.MAX_SAFE_INTEGER, 1_000)) {
      const entries = segment.history(row);
      const message = new TrackedMessage(idIn(entries), 0);
      for (const { fact, isFenced } of entries) message.apply(fact, isFenced);
      for (let recipient = 0; recipient < 3; recipient++) {
        const known = message.stateOf(recipient);
        if (known !== undefined)
          states.set(`${message.id}/${recipient}`, `${known.state}${known.outcomeUnknown ? '?' : ''}`);
      }
    }
  }
  return states;
}

const FINALS: Record<string, string> = {
  RecipientDelivered: 'delivered',
  RecipientBounced: 'bounced',
  RecipientExpired: 'expired',
  RecipientDropped: 'dropped',
  RecipientRemoved: 'removed',
};

/** The same by the queue's own fold; recipients that were closed before they were opened are not in it. */
function folded(log: readonly LoggedRecord[]): Map<string, string> {
  const state = emptyPartition(log[0]?.offset);
  const states = new Map<string, string>();
  const dropped = new Set<MessageId>();
  for (const logged of log) {
    for (const effect of fold(state, logged)) {
      if (effect.kind === 'closed') states.set(`${effect.message}/${effect.recipient}`, FINALS[effect.outcome.type]!);
      if (effect.kind === 'claimed') for (const { id } of effect.dropped) dropped.add(id);
    }
  }
  for (const { id, recipients } of state.messages)
    for (const [rid, { outcomeUnknown }] of recipients)
      states.set(`${id}/${rid}`, outcomeUnknown ? 'waiting?' : 'waiting');
  return states;
}

function expectAgreement(store: TrackingStore, log: readonly LoggedRecord[]): void {
  const ours = tracked(store);
  const theirs = folded(log);
  for (const [recipient, state] of theirs) expect(ours.get(recipient), recipient).toBe(state);
  for (const [recipient, state] of ours)
    if (state.startsWith('waiting')) expect(theirs.get(recipient), recipient).toBe(state);
  const sums = store.ledger();
  const count = (state: string): number => [...ours.values()].filter((one) => one.replace('?', '') === state).length;
  for (const state of ['waiting', 'delivered', 'bounced', 'expired', 'dropped', 'removed', 'untracked'] as const)
    expect(sums[state], state).toBe(count(state));
  expect(sums.outcomeUnknown).toBe([...ours.values()].filter((state) => state === 'waiting?').length);
  const { delivered, bounced, expired, dropped, removed, waiting } = sums;
  expect(sums.accepted).toBe(delivered + bounced + expired + dropped + removed + waiting);
}

describe('tracking store', () => {
  it('says of each recipient what the fold of the queue says, and its ledger adds up', () => {
    fc.assert(
      fc.property(randomLog, (log) => {
        const { store } = openStore();
        take(store, log);
        store.commit();
        expectAgreement(store, log);
        store.close();
      }),
      { numRuns: 100 },
    );
  });

  it('says the same after crashes and restarts in the middle, whatever is read twice', () => {
    fc.assert(
      fc.property(
        randomLog,
        fc.array(
          fc.record({
            length: fc.integer({ min: 1, max: 25 }),
            end: fc.constantFrom('commit', 'crash', 'reopen', 'reread'),
          }),
        ),
        (log, parts) => {
          let { store, file } = openStore();
          let at = 0;
          for (const { length, end } of parts) {
            take(store, log.slice(at, at + length));
            at = Math.min(log.length, at + length);
            if (end !== 'crash') store.commit();
            if (end === 'crash' || end === 'reopen') {
              store.close();
              ({ store, file } = openStore(file));
              at = store.positions().get(0) ?? 0;
            } else if (end === 'reread') {
              store.restart(0, 'the log start fell back');
              at = 0;
            }
          }
          take(store, log.slice(at));
          store.commit();
          expectAgreement(store, log);
          store.close();
        },
      ),
      { numRuns: 100 },
    );
  });

  it('agrees with a fold that begins in the middle of the log too', () => {
    fc.assert(
      fc.property(randomLog, fc.nat(60), (log, skipped) => {
        const rest = log.slice(Math.min(skipped, log.length - 1));
        const { store } = openStore();
        take(store, rest);
        store.commit();
        expectAgreement(store, rest);
        if (rest[0]!.offset > 0)
          expect(store.notes()[0]?.remark.message).toMatch(/partition 0: records 0 to \d+ were trimmed/);
        store.close();
      }),
      { numRuns: 100 },
    );
  });
});
