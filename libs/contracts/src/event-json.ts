import { type Event, EventKind } from './gen/mailyard/tracking/v1/tracking.ts';

/** The kinds of events in the words that people and programs are told. */
export const EVENT_WORDS: Readonly<Record<EventKind, string>> = {
  [EventKind.EVENT_KIND_UNSPECIFIED]: 'unknown',
  [EventKind.EVENT_KIND_ACCEPTED]: 'accepted',
  [EventKind.EVENT_KIND_ATTEMPT]: 'attempt',
  [EventKind.EVENT_KIND_DELIVERED]: 'delivered',
  [EventKind.EVENT_KIND_DEFERRED]: 'deferred',
  [EventKind.EVENT_KIND_BOUNCED]: 'bounced',
  [EventKind.EVENT_KIND_EXPIRED]: 'expired',
  [EventKind.EVENT_KIND_DROPPED]: 'dropped',
  [EventKind.EVENT_KIND_REMOVED]: 'removed',
  [EventKind.EVENT_KIND_RESTATED]: 'restated',
};

/** The kind that a word stands for; undefined when there is none. */
export function eventKindOf(word: string): EventKind | undefined {
  const found = Object.entries(EVENT_WORDS).find(([kind, known]) => Number(kind) !== 0 && known === word);
  return found === undefined ? undefined : (Number(found[0]) as EventKind);
}

/** An event in JSON: `event` is its kind in a word, instants are ISO 8601; see docs/reference/events.md. */
export function eventJson({ kind, at, loggedAt, dueAt, ...rest }: Event): Record<string, unknown> {
  return {
    event: EVENT_WORDS[kind],
    at: isoInstant(at),
    loggedAt: isoInstant(loggedAt),
    ...rest,
    ...(dueAt === undefined ? {} : { dueAt: isoInstant(dueAt) }),
  };
}

/** 0 stands for what is not known. */
function isoInstant(at: number): string | null {
  return at === 0 ? null : new Date(at).toISOString();
}
