import { eventKindOf } from '@mailyard/contracts';
import type { EventKind } from '@mailyard/contracts/tracking';
import { z } from 'zod';
import { readCursor } from '../tracking/event-cursor.ts';
import { type EventFeed, EventsLost, TooManyWatchers } from '../tracking/event-feed.ts';
import { type EventFilter, readFilter } from '../tracking/event-filter.ts';
import type { EventStart } from '../tracking/event-reader.ts';
import { ApiRefusal } from './api-refusal.ts';
import type { ApiOperation } from './api-server.ts';
import { flag } from './shape.ts';

const list = z
  .string()
  .max(10_000)
  .optional()
  .transform((text) => (text === undefined || text === '' ? [] : text.split(',')));
const EVENTS = z.strictObject({
  after: z.string().max(20_000).optional(),
  kind: list,
  domain: list,
  sender: list,
  follow: flag(true),
});
/** Of all connections to the page a small part. */
const MOST_STREAMS = 32;

/** Events as they come, as Server-Sent Events: browsers and libraries resume those by themselves. */
export function eventPaths(feed: EventFeed, stopping: AbortSignal): ApiOperation[] {
  let streams = 0;

  async function* pieces(
    start: EventStart,
    filter: EventFilter,
    follow: boolean,
    signal: AbortSignal,
  ): AsyncGenerator<Uint8Array> {
    if (streams >= MOST_STREAMS) throw busy();
    streams += 1;
    try {
      for await (const { octets, isHead } of feed.watch(start, filter, 'eventStream', signal)) {
        yield octets;
        if (isHead && !follow) return;
      }
    } catch (error) {
      if (error instanceof TooManyWatchers) throw busy();
      if (!(error instanceof EventsLost)) throw error;
      throw new ApiRefusal(410, 'CURSOR_TOO_OLD', error.message, { earliest: error.earliest });
    } finally {
      streams -= 1;
    }
  }

  return [
    {
      method: 'GET',
      path: '/api/v1/events',
      role: 'reader',
      handle: (call) => {
        const { request, signal } = call;
        const { after, kind, domain, sender, follow } = call.query(EVENTS);
        // What a browser knows is newer than the address that it opened first.
        const cursor = header(request.headers['last-event-id']) ?? after;
        const start = startOf(cursor);
        const filter = readFilter(kind.map(kindOf), domain, sender);
        if ('wrong' in filter) throw invalid(`domain: ${JSON.stringify(filter.wrong)} is no domain`);
        const ending = AbortSignal.any([signal, stopping]);
        return { octets: pieces(start, filter, follow, ending), headers: { 'Content-Type': 'text/event-stream' } };
      },
    },
  ];
}

function startOf(cursor: string | undefined): EventStart {
  if (cursor === undefined) return 'now';
  if (cursor === '') return 'earliest';
  if (readCursor(cursor) !== undefined) return { after: cursor };
  throw new ApiRefusal(400, 'CURSOR_INVALID', 'a cursor is what an event stream had as its id');
}

function kindOf(word: string): EventKind {
  const kind = eventKindOf(word);
  if (kind === undefined) throw invalid(`kind: ${JSON.stringify(word)} is none`);
  return kind;
}

function header(value: string | string[] | undefined): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}

function invalid(message: string): ApiRefusal {
  return new ApiRefusal(400, 'PARAMETER_INVALID', message);
}

function busy(): ApiRefusal {
  return new ApiRefusal(503, 'BUSY', 'too many read events already', { retryAfterSeconds: 10 });
}
