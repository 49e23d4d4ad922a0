import {
  DESTINATION_COLUMNS,
  type QueueDestination,
  type QueueRecipient,
  type QueueScope,
} from '@mailyard/delivery-rules';
import { parseAddressLiteral, parseDomain, type Reply } from '@mailyard/mail';
import { z } from 'zod';
import { unownedPartitions } from '../queue-owners.ts';
import { ApiRefusal } from './api-refusal.ts';
import type { ApiOperation } from './api-server.ts';
import type { QueueView } from './queue-view.ts';
import { limit, offset } from './shape.ts';

const aDestination = z.string().min(1).max(2_000);
const LIST = z.strictObject({
  search: z.string().max(300).default(''),
  sort: z
    .enum([...DESTINATION_COLUMNS, ...DESTINATION_COLUMNS.map((column) => `-${column}` as const)])
    .default('-waiting'),
  offset,
  limit,
});
const ONE = z.strictObject({ destination: aDestination });
const RECIPIENTS = z.strictObject({
  destination: aDestination.optional(),
  domain: z.string().max(300).optional(),
  limit,
  cursor: z.string().max(4_000).default(''),
});
const RETRY = z.strictObject({
  scope: z.discriminatedUnion('kind', [
    z.strictObject({ kind: z.literal('all') }),
    z.strictObject({ kind: z.literal('domain'), domain: z.string().max(300) }),
    z.strictObject({ kind: z.literal('destination'), destination: aDestination }),
  ]),
  dryRun: z.boolean().default(false),
  reason: z.string().max(1_000).optional(),
});

export interface QueuePathsOptions {
  readonly queues: QueueView;
  readonly partitionCount: number;
  readonly audit: (what: string, detail: Readonly<Record<string, unknown>>) => void;
}

/** The mail that waits. */
export function queuePaths({ queues, partitionCount, audit }: QueuePathsOptions): ApiOperation[] {
  return [
    {
      method: 'GET',
      path: '/api/v1/destinations',
      role: 'reader',
      handle: async (call) => {
        const { search, sort, offset: from, limit: most } = call.query(LIST);
        const { destinations, ...counted } = await queues.list(search, sort, from, most);
        const { partitions } = await queues.summary.get();
        return {
          isPolled: true,
          json: {
            destinations: destinations.map(destinationJson),
            ...counted,
            unownedPartitions: unownedPartitions(partitions, partitionCount),
          },
        };
      },
    },
    {
      method: 'GET',
      path: '/api/v1/destination',
      role: 'reader',
      handle: async (call) => {
        const found = await queues.find(call.query(ONE).destination);
        if (found === undefined)
          throw new ApiRefusal(404, 'DESTINATION_NOT_FOUND', 'nothing waits there now, and no connection is open');
        return { isPolled: true, json: destinationJson(found) };
      },
    },
    {
      method: 'GET',
      path: '/api/v1/recipients',
      role: 'reader',
      handle: async (call) => {
        const { destination, domain, limit: most, cursor } = call.query(RECIPIENTS);
        const { recipients, nextPageToken, silentOwners } = await queues.recipients(
          scopeOf(destination, domain),
          most,
          cursor,
        );
        return {
          json: {
            recipients: recipients.map(recipientJson),
            ...(nextPageToken === '' ? {} : { nextCursor: nextPageToken }),
            silentOwners,
          },
        };
      },
    },
    {
      method: 'POST',
      path: '/api/v1/retry',
      role: 'operator',
      body: 'json',
      handle: async (call) => {
        const { scope: asked, dryRun, reason } = call.json(RETRY);
        const scope: QueueScope =
          asked.kind === 'domain' ? { kind: 'domain', domain: demandDomain(asked.domain) } : asked;
        if (dryRun) return { json: await queues.count(scope) };
        if (reason === undefined || reason.trim() === '')
          throw new ApiRefusal(400, 'BODY_INVALID', 'reason: is needed, for the log');
        const { recipients, silentOwners } = await queues.retry(scope);
        audit('QUEUE_RETRY', { user: call.visitor.name, scope, reason, recipients });
        return { json: { recipients, silentOwners } };
      },
    },
  ];
}

/** @throws ApiRefusal `PARAMETER_INVALID`, `DOMAIN_INVALID` */
export function scopeOf(destination: string | undefined, domain: string | undefined): QueueScope {
  if (destination !== undefined && domain !== undefined)
    throw new ApiRefusal(400, 'PARAMETER_INVALID', 'a destination or a domain, not both');
  if (domain !== undefined) return { kind: 'domain', domain: demandDomain(domain) };
  return destination === undefined ? { kind: 'all' } : { kind: 'destination', destination };
}

/** @throws ApiRefusal `DOMAIN_INVALID` */
export function demandDomain(text: string) {
  const domain = text.startsWith('[') ? parseAddressLiteral(text) : parseDomain(text);
  if (domain !== undefined) return domain;
  throw new ApiRefusal(400, 'DOMAIN_INVALID', `${JSON.stringify(text.slice(0, 120))} is no domain`);
}

export function destinationJson(one: QueueDestination): unknown {
  const { destination, domains, domainCount, waiting, underway, connections, delivered } = one;
  const { softBounced, hardBounced, state, hosts, nextAttemptAt, oldestAt, lastReply, maxConnections } = one;
  return {
    destination,
    domains,
    domainCount,
    waiting,
    underway,
    connections,
    ...(maxConnections === undefined ? {} : { maxConnections }),
    delivered,
    softBounced,
    hardBounced,
    state,
    hosts: hosts.map(({ host, state: of, downUntil }) => ({
      host,
      state: of,
      ...(of === 'down' ? { downUntil } : {}),
    })),
    ...(nextAttemptAt === undefined ? {} : { nextAttemptAt }),
    ...(oldestAt === undefined ? {} : { oldestAt }),
    ...(lastReply === undefined ? {} : { lastReply: replyJson(lastReply) }),
  };
}

export function replyJson({ code, enhancedStatus, text }: Reply): object {
  return { code, text, ...(enhancedStatus === undefined ? {} : { enhancedStatus }) };
}

export function recipientJson(one: QueueRecipient): object {
  const { message, recipient, mid, reversePath, forwardPath, acceptedAt, dueAt, expiresAt } = one;
  const { retries, outcomeUnknown, lastHost } = one;
  return {
    ...{ message, recipient, mid, forwardPath, acceptedAt, dueAt, expiresAt, retries, outcomeUnknown },
    ...(reversePath === null ? {} : { reversePath }),
    ...(lastHost === undefined ? {} : { lastHost }),
  };
}
