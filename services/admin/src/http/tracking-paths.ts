import { EVENT_WORDS } from '@mailyard/contracts';
import type { Event, MessageSummary } from '@mailyard/contracts/tracking';
import { z } from 'zod';
import type { Tracker } from '../tracking/tracker.ts';
import { ApiRefusal } from './api-refusal.ts';
import type { ApiOperation } from './api-server.ts';
import { count, instant, limit } from './shape.ts';

const SEARCH = z.strictObject({
  search: z.string().max(1_000).optional(),
  by: z.enum(['any', 'sender', 'recipient', 'headerMessageId']).default('any'),
  from: instant,
  to: instant,
  limit,
  cursor: z.string().max(100).default(''),
});
const TRACE = z.strictObject({ recipient: count(0, 1_000_000).optional() });

/** What became of messages. */
export function trackingPaths(tracker: Tracker): ApiOperation[] {
  return [
    {
      method: 'GET',
      path: '/api/v1/messages',
      role: 'reader',
      handle: async (call) => {
        const { search, by, from, to, limit: pageSize, cursor } = call.query(SEARCH);
        const key = search?.trim() === '' ? undefined : search?.trim();
        if (cursor === '') await tracker.catchUp();
        const { messages, nextPageToken } = await tracker.ask({
          kind: 'search',
          key,
          pageSize,
          pageToken: cursor,
          ...(by === 'any' ? {} : { by }),
          ...(from === undefined ? {} : { from }),
          ...(to === undefined ? {} : { to }),
        });
        return {
          json: { messages: messages.map(summaryJson), ...(nextPageToken === '' ? {} : { nextCursor: nextPageToken }) },
        };
      },
    },
    {
      method: 'GET',
      path: '/api/v1/messages/{message}',
      role: 'reader',
      handle: async (call) => {
        const { recipient } = call.query(TRACE);
        const message = call.parameters.get('message')!.toLowerCase();
        if (!/^[0-9a-z-]{1,60}$/.test(message)) throw notFound();
        await tracker.catchUp();
        const { events, notes } = await tracker.ask({ kind: 'trace', key: message, limit: 1 });
        const { messages } = await tracker.ask({ kind: 'search', key: message, pageSize: 1, pageToken: '' });
        const [summary] = messages;
        if (events.length === 0 || summary === undefined || !message.startsWith(summary.message)) throw notFound();
        const told = recipient === undefined ? events : events.filter((event) => concerns(event, recipient));
        return {
          json: {
            message: summary.message,
            summary: summaryJson(summary),
            events: told.map(eventJson),
            notes: notes.map(({ at, remark }) => ({ ...remark, ...(at === undefined ? {} : { at }) })),
          },
        };
      },
    },
  ];
}

function notFound(): ApiRefusal {
  return new ApiRefusal(404, 'MESSAGE_NOT_FOUND', 'nothing is known of that message; it may have been forgotten');
}

function concerns({ recipients }: Event, recipient: number): boolean {
  return recipients.some((one) => one.recipient === recipient);
}

function summaryJson({ message, acceptedAt, reversePath, headerMessageId, recipients }: MessageSummary): unknown {
  return {
    ...present({ message, acceptedAt, reversePath, headerMessageId }),
    recipients: recipients.map(({ recipient, forwardPath, state, outcomeUnknown }) => ({
      recipient,
      forwardPath,
      state,
      outcomeUnknown,
    })),
  };
}

function eventJson(event: Event): unknown {
  const { kind, at, message, recipients, counted, outcomeUnknown, reply, acceptance } = event;
  const { host, dcid, route, routeVersion, stage, dueAt, cause, reason, author, report } = event;
  return {
    ...{ kind: EVENT_WORDS[kind], at, message, counted, outcomeUnknown },
    recipients: recipients.map(({ recipient, mid, forwardPath }) => ({ recipient, mid, forwardPath })),
    ...present({ host, dcid, route, routeVersion, stage, dueAt, cause, reason, author, report }),
    ...(reply === undefined
      ? {}
      : { reply: present({ code: reply.code, enhancedStatus: reply.enhancedStatus, text: reply.text }) }),
    ...(acceptance === undefined ? {} : acceptanceJson(acceptance)),
  };
}

function acceptanceJson(acceptance: NonNullable<Event['acceptance']>): object {
  const { icid, listener, clientAddress, helo, reversePath, headerMessageId, reportOf, copies } = acceptance;
  const { senderGroup, flowPolicy, relayed, gateway, user, expansions } = acceptance;
  return {
    ...present({ icid, listener, clientAddress, helo, reversePath, headerMessageId, reportOf }),
    ...present({ senderGroup, flowPolicy, relayed, gateway, user }),
    copies: copies.map(({ mid, policy, sizeOctets }) => ({ mid, policy, sizeOctets })),
    ...(expansions.length === 0
      ? {}
      : {
          expansions: expansions.map(({ received, mapped, alias, version, recipients }) => ({
            received,
            ...present({ mapped, alias }),
            version,
            recipients,
          })),
        }),
  };
}

/** The fields that are there. */
function present(fields: Readonly<Record<string, unknown>>): object {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));
}
