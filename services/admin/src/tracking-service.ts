import { status } from '@grpc/grpc-js';
import type { ConfigurationFault } from '@mailyard/configuration';
import { readOperations } from '@mailyard/contracts';
import {
  PastCut,
  type PreviewPastResponse,
  TrackingServiceService,
  type TrackingServiceServer,
  type WatchEventsRequest,
} from '@mailyard/contracts/tracking';
import { CallRefusal, type GrpcServer, refuseFaults } from '@mailyard/grpc';
import type { TablePair } from '@mailyard/smtp-routes';
import type { ConfigurationDesk } from './http/configuration-desk.ts';
import { type PastMail, type PastOutcome, readPastQuestion, TooManyLook } from './tracking/past-mail.ts';
import { writeLedger } from './queue-wire.ts';
import { noteText } from './tracking/tracking-note.ts';
import { readCursor } from './tracking/event-cursor.ts';
import { type EventFeed, EventsLost, TooManyWatchers } from './tracking/event-feed.ts';
import { type EventFilter, readFilter } from './tracking/event-filter.ts';
import type { EventStart } from './tracking/event-reader.ts';
import type { Tracker } from './tracking/tracker.ts';

export const TRACKING_SERVICE = 'mailyard.tracking.v1.TrackingService';

const TRACE_LIMIT = 20;
const MOST_TRACED = 1_000;
const LONGEST_KEY = 1_000;

const MOST_FILTERED = 1_000;

/** Events come encoded from the thread that reads them. */
const SERVICE = {
  ...TrackingServiceService,
  watchEvents: { ...TrackingServiceService.watchEvents, responseSerialize: (octets: Buffer) => octets },
};

/** Registers TrackingService. Answers wait a little for the read model to have what the log has now. */
export function addTrackingService(
  server: GrpcServer,
  tracker: Tracker,
  feed: EventFeed,
  past: { readonly mail: PastMail; readonly desk: Pick<ConfigurationDesk, 'compare' | 'rules'> } | undefined,
): void {
  const { methods } = server;
  const implementation: Omit<TrackingServiceServer, 'watchEvents'> = {
    trace: methods.unary('reader', async ({ key, limit }) => {
      demandKey(key);
      await tracker.catchUp();
      const most = limit === 0 ? TRACE_LIMIT : Math.min(limit, MOST_TRACED);
      const { notes, ...traced } = await tracker.ask({ kind: 'trace', key, limit: most });
      return { ...traced, notes: notes.map(noteText) };
    }),

    search: methods.unary('reader', async ({ key, pageSize, pageToken }) => {
      if (key !== undefined) demandKey(key);
      if (pageToken === '') await tracker.catchUp();
      return tracker.ask({ kind: 'search', key, pageSize, pageToken });
    }),

    getLedger: methods.unary('reader', async () => {
      await tracker.catchUp();
      const { sums, since, notes } = await tracker.ask({ kind: 'ledger' });
      return { ledger: writeLedger(sums), since, notes: notes.map(noteText), lag: await tracker.lag() };
    }),

    previewPast: methods.unary('reader', async ({ operations, seconds, limit }, { signal }) => {
      if (past === undefined)
        throw new CallRefusal(status.UNIMPLEMENTED, 'this process does not follow the configuration');
      const faults: ConfigurationFault[] = [];
      const read = readOperations(operations, past.desk.rules, faults);
      const { version, tables, faults: found } = past.desk.compare(faults.length > 0 ? [] : read);
      if (tables === undefined || faults.length > 0) throw refuseFaults([...faults, ...found]);
      return writePast(version, await lookBack(past.mail, tables, { seconds, limit }, signal));
    }),
  };
  const watchEvents = methods.streaming<WatchEventsRequest, Buffer>('reader', (request, { signal }) =>
    watch(feed, startOf(request), filterOf(request), signal),
  );
  server.add(TRACKING_SERVICE, SERVICE, { ...implementation, watchEvents });
  server.setServing(TRACKING_SERVICE, true);
}

async function lookBack(
  mail: PastMail,
  tables: TablePair,
  asked: { readonly seconds: number; readonly limit: number },
  signal: AbortSignal,
): Promise<PastOutcome> {
  try {
    return await mail.compare(tables, readPastQuestion(asked), signal);
  } catch (error) {
    if (error instanceof TooManyLook)
      throw new CallRefusal(status.RESOURCE_EXHAUSTED, error.message, { reason: 'TOO_MANY_PREVIEWS' });
    throw error;
  }
}

const CUTS: Readonly<Record<NonNullable<PastOutcome['cut']>, PastCut>> = {
  limit: PastCut.PAST_CUT_LIMIT,
  time: PastCut.PAST_CUT_TIME,
  kept: PastCut.PAST_CUT_KEPT,
};

function writePast(version: number, { cut, changes, ...figures }: PastOutcome): PreviewPastResponse {
  return {
    version,
    ...figures,
    cut: cut === undefined ? PastCut.PAST_CUT_UNSPECIFIED : CUTS[cut],
    changes: changes.map((change) => ({ ...change, examples: [...change.examples] })),
  };
}

function demandKey(key: string): void {
  if (key !== '' && key.length <= LONGEST_KEY) return;
  throw new CallRefusal(status.INVALID_ARGUMENT, 'a key is a message id, a MID, a Message-ID or an address', {
    reason: 'KEY_INVALID',
  });
}

async function* watch(
  feed: EventFeed,
  start: EventStart,
  filter: EventFilter,
  signal: AbortSignal,
): AsyncGenerator<Buffer> {
  try {
    for await (const { octets } of feed.watch(start, filter, 'protobuf', signal)) yield Buffer.from(octets.buffer);
  } catch (error) {
    if (error instanceof TooManyWatchers)
      throw new CallRefusal(status.RESOURCE_EXHAUSTED, error.message, { reason: 'TOO_MANY_WATCHERS' });
    if (!(error instanceof EventsLost)) throw error;
    const { earliest } = error;
    throw new CallRefusal(status.OUT_OF_RANGE, error.message, { reason: 'CURSOR_TOO_OLD', metadata: { earliest } });
  }
}

function startOf({ after }: WatchEventsRequest): EventStart {
  if (after === undefined) return 'now';
  if (after === '') return 'earliest';
  if (readCursor(after) !== undefined) return { after };
  throw new CallRefusal(status.INVALID_ARGUMENT, 'a cursor is what a response had', { reason: 'CURSOR_INVALID' });
}

function filterOf({ kinds, domains, senders }: WatchEventsRequest): EventFilter {
  const invalid = (message: string): CallRefusal =>
    new CallRefusal(status.INVALID_ARGUMENT, message, { reason: 'FILTER_INVALID' });
  if (Math.max(kinds.length, domains.length, senders.length) > MOST_FILTERED)
    throw invalid(`at most ${MOST_FILTERED} of each`);
  const filter = readFilter(kinds, domains, senders);
  if ('wrong' in filter) throw invalid(`${JSON.stringify(filter.wrong)} is no domain`);
  return filter;
}
