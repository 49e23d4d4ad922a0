/** What the thread that reads the log and the one that keeps the read model say to each other. */
import type { SearchResponse, TraceResponse } from '@mailyard/contracts/tracking';
import type { EventFilter } from './event-filter.ts';
import type { JournalPlace } from './event-journal.ts';
import type { EventForm, EventOpening, EventPage, EventStart } from './event-reader.ts';
import type { FactBatch } from './fact-batch.ts';
import type { PastPage, PastQuestion } from './past-recipients.ts';
import type { TermKind } from './search-term.ts';
import type { TrackingNote } from './tracking-note.ts';
import type { LedgerSums } from './tracking-store.ts';

export interface TrackingWorkerData {
  readonly file: string;
  readonly retentionMs: number;
  /** How long after it was due a recipient may be silent. */
  readonly silentAfterMs: number;
}

export type Question =
  | { readonly kind: 'trace'; readonly key: string; readonly limit: number }
  | {
      readonly kind: 'search';
      readonly key: string | undefined;
      readonly pageSize: number;
      readonly pageToken: string;
      /** What the key is; absent: any of them, or a message id. */
      readonly by?: TermKind;
      /** Accepted at or after, and before. */
      readonly from?: number;
      readonly to?: number;
    }
  | { readonly kind: 'ledger' }
  | ({ readonly kind: 'past' } & PastQuestion)
  | { readonly kind: 'openEvents'; readonly start: EventStart; readonly logStarts: readonly number[] }
  | {
      readonly kind: 'events';
      readonly place: JournalPlace;
      readonly filter: EventFilter;
      readonly form: EventForm;
    };

/** Whether what was read is committed first: not for events, which come when their time has come, nor for more of the past. */
export function isOfNow(question: Question): boolean {
  return question.kind !== 'events' && (question.kind !== 'past' || question.place === undefined);
}

export interface LedgerAnswer {
  readonly sums: LedgerSums;
  readonly since: number;
  readonly notes: readonly TrackingNote[];
}

export interface TraceAnswer extends Omit<TraceResponse, 'notes'> {
  readonly notes: readonly TrackingNote[];
}

/** The answer to each kind of question. */
export interface Answers {
  readonly trace: TraceAnswer;
  readonly search: SearchResponse;
  readonly ledger: LedgerAnswer;
  readonly past: PastPage;
  readonly openEvents: EventOpening;
  readonly events: EventPage;
}

export type ToWorker =
  | { readonly kind: 'facts'; readonly batch: FactBatch }
  /** The partition is read from its start again. */
  | { readonly kind: 'restart'; readonly partition: number; readonly reason: string }
  | { readonly kind: 'ask'; readonly number: number; readonly question: Question }
  | { readonly kind: 'stop' };

export type FromWorker =
  /** The file is of an earlier version: it is brought to the form of this one, and `ready` comes later. */
  | { readonly kind: 'converting' }
  | { readonly kind: 'ready'; readonly positions: ReadonlyMap<number, number> }
  /** Facts were taken; not yet committed. */
  | { readonly kind: 'taken'; readonly octets: number }
  | { readonly kind: 'committed'; readonly positions: ReadonlyMap<number, number> }
  | { readonly kind: 'answer'; readonly number: number; readonly answer: Answers[keyof Answers] }
  /** Recipients that should have been heard of: how many messages, and one of them. None any more: 0. */
  | { readonly kind: 'silent'; readonly messages: number; readonly example: string }
  | { readonly kind: 'stopped' };
