import type { QueueMessage, QueueMessageDetail } from '@mailyard/delivery-rules';
import { z } from 'zod';
import { parseMid } from '../ending-wire.ts';
import type { MessageDesk, NamedMessage } from '../message-desk.ts';
import type { LastTry } from '../tracking/last-try.ts';
import { ApiRefusal } from './api-refusal.ts';
import type { ApiCall, ApiOperation } from './api-server.ts';
import { type QueuePathsOptions, recipientJson, replyJson, scopeOf } from './queue-paths.ts';
import { count } from './shape.ts';

const NOTHING = z.strictObject({});
const OLDEST = z.strictObject({
  destination: z.string().min(1).max(2_000).optional(),
  domain: z.string().max(300).optional(),
  limit: count(1, 1_000).default(1),
});

/** Single messages that wait (R212). What others wrote in them is for operators. */
export function messagePaths(desk: MessageDesk, audit: QueuePathsOptions['audit']): ApiOperation[] {
  const read = async (call: ApiCall, part: 'header' | 'whole') => {
    call.query(NOTHING);
    const content = await desk.read(false, namedBy(call), part);
    audit('CONTENT_READ', { user: call.visitor.name, mid: content.mid, part });
    return content;
  };
  return [
    {
      method: 'GET',
      path: '/api/v1/oldest-messages',
      role: 'reader',
      handle: async (call) => {
        const { destination, domain, limit } = call.query(OLDEST);
        const { messages, silentOwners } = await desk.oldest(false, scopeOf(destination, domain), limit);
        return { json: { messages: messages.map(messageJson), silentOwners } };
      },
    },
    {
      method: 'GET',
      path: '/api/v1/messages/{message}/waiting',
      role: 'reader',
      handle: async (call) => {
        call.query(NOTHING);
        const { detail, tries, hasTries } = await desk.show(false, namedBy(call));
        return { json: detailJson(detail, tries, hasTries) };
      },
    },
    {
      method: 'GET',
      path: '/api/v1/messages/{message}/header',
      role: 'operator',
      handle: async (call) => {
        const { mid, octets } = await read(call, 'header');
        const pieces: Uint8Array[] = [];
        for await (const piece of octets) pieces.push(piece);
        return { json: { mid, header: Buffer.concat(pieces).toString('utf8') } };
      },
    },
    {
      method: 'GET',
      path: '/api/v1/messages/{message}/content',
      role: 'operator',
      handle: async (call) => {
        const { mid, sizeOctets, octets } = await read(call, 'whole');
        return {
          octets,
          headers: {
            // Never shown as a page of this host, whatever is in it.
            'Content-Type': 'message/rfc822',
            'Content-Disposition': `attachment; filename="${mid}.eml"`,
            'Content-Length': String(sizeOctets),
          },
        };
      },
    },
  ];
}

/** @throws ApiRefusal `MESSAGE_NOT_WAITING` for what can be no message */
function namedBy(call: ApiCall): NamedMessage {
  const named = parseMid(call.parameters.get('message')!);
  if (named === undefined) throw new ApiRefusal(404, 'MESSAGE_NOT_WAITING', 'that is no message id and no MID');
  return named;
}

function messageJson({ reversePath, ...message }: QueueMessage): object {
  return { ...message, ...(reversePath === null ? {} : { reversePath }) };
}

function detailJson(
  { summary, recipients, ...rest }: QueueMessageDetail,
  tries: ReadonlyMap<number, LastTry>,
  hasTries: boolean,
): object {
  return {
    ...messageJson(summary),
    ...rest,
    recipients: recipients.map(({ destination, underwayTo, notify, orcpt, ...recipient }) => ({
      ...recipientJson(recipient),
      ...(destination === undefined ? {} : { destination }),
      ...(underwayTo === undefined ? {} : { underwayTo }),
      ...(notify === undefined ? {} : { notify }),
      ...(orcpt === undefined ? {} : { orcpt }),
      ...lastTryJson(tries.get(recipient.recipient)),
    })),
    hasTries,
  };
}

function lastTryJson(last: LastTry | undefined): object {
  if (last === undefined) return {};
  const { reply, ...rest } = last;
  return { lastTry: { ...rest, ...(reply === undefined ? {} : { reply: replyJson(reply) }) } };
}
