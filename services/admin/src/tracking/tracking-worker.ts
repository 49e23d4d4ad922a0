/**
 * The thread that keeps the read model. It has the file to itself; an error that it cannot answer for ends it, and
 * whoever started it begins again from what was committed.
 */
import { parentPort, workerData } from 'node:worker_threads';
import { EventReader } from './event-reader.ts';
import { readFacts } from './fact-batch.ts';
import { pastRecipients } from './past-recipients.ts';
import {
  type Answers,
  type FromWorker,
  isOfNow,
  type Question,
  type ToWorker,
  type TrackingWorkerData,
} from './tracking-messages.ts';
import { page, trace } from './tracking-queries.ts';
import { isDamage, putAside } from './tracking-database.ts';
import { TrackingStore } from './tracking-store.ts';

const COMMIT_MS = 1_000;
const COMMIT_MESSAGES = 5_000;
/** After so much time without mail, and so many messages, the write-ahead log is folded in. */
const IDLE_MS = 1_000;
const FOLD_MESSAGES = 1_000;
const WATCH_MS = 60_000;
const TRIM_MS = 3_600_000;

const port = parentPort!;
const { file, retentionMs, silentAfterMs } = workerData as TrackingWorkerData;
const store = new TrackingStore({ file, retentionMs, now: Date.now, onConversion: () => say({ kind: 'converting' }) });
const events = new EventReader(store);
let committing: NodeJS.Timeout | undefined;
let foldingIn: NodeJS.Timeout | undefined;
let notFoldedIn = 0;

function say(message: FromWorker): void {
  port.postMessage(message);
}

function commit(): void {
  clearTimeout(committing);
  committing = undefined;
  if (!store.hasChanges) return;
  notFoldedIn += store.changedCount;
  guarded(() => store.commit());
  clearTimeout(foldingIn);
  if (notFoldedIn >= FOLD_MESSAGES) foldingIn = setTimeout(foldIn, IDLE_MS);
  say({ kind: 'committed', positions: store.positions() });
}

function foldIn(): void {
  // What came since is about to be committed, and that asks for it again.
  if (store.hasChanges) return;
  guarded(() => store.foldIn());
  notFoldedIn = 0;
}

/** Damage that shows only now ends the thread; the next one begins a new file. */
function guarded<T>(work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (isDamage(error)) {
      store.close();
      putAside(file, Date.now());
    }
    throw error;
  }
}

function answer(question: Question): Answers[keyof Answers] {
  if (question.kind === 'trace') return trace(store, question.key, question.limit);
  if (question.kind === 'search') return page(store, question.key, question.pageSize, question.pageToken, question);
  if (question.kind === 'past') return pastRecipients(store, question);
  if (question.kind === 'openEvents') return events.open(question.start, question.logStarts);
  if (question.kind === 'events') return events.read(question.place, question.filter, question.form);
  return { sums: store.ledger(), since: store.since, notes: store.notes() };
}

function ask(number: number, question: Question): void {
  // What was read is answered for; and queries see only what is committed.
  if (isOfNow(question)) commit();
  const answered = guarded(() => answer(question));
  const moved = 'octets' in answered ? [answered.octets.buffer] : [];
  port.postMessage({ kind: 'answer', number, answer: answered } satisfies FromWorker, moved);
}

function watch(): void {
  commit();
  const { messages, example = '' } = store.quietSince(Date.now() - silentAfterMs);
  say({ kind: 'silent', messages, example });
}

function trim(): void {
  commit();
  store.trim();
}

const watching = setInterval(watch, WATCH_MS);
const trimming = setInterval(trim, TRIM_MS);

port.on('message', (message: ToWorker) => {
  switch (message.kind) {
    case 'facts': {
      const { batch } = message;
      for (const fact of readFacts(batch)) store.take(batch.partition, fact);
      say({ kind: 'taken', octets: batch.octets.length });
      if (store.changedCount >= COMMIT_MESSAGES) commit();
      else committing ??= setTimeout(commit, COMMIT_MS);
      return;
    }
    case 'restart':
      store.restart(message.partition, message.reason);
      return;
    case 'ask':
      ask(message.number, message.question);
      return;
    case 'stop':
      clearInterval(watching);
      clearInterval(trimming);
      commit();
      clearTimeout(foldingIn);
      store.close();
      say({ kind: 'stopped' });
      port.close();
  }
});

trim();
say({ kind: 'ready', positions: store.positions() });
