import type { MailScope, OperatorEnding } from '@mailyard/delivery-rules';
import type { Address } from '@mailyard/mail';
import { z } from 'zod';
import { parseMid } from '../ending-wire.ts';
import { ApiRefusal } from './api-refusal.ts';
import type { ApiOperation } from './api-server.ts';
import { demandDomain, type QueuePathsOptions } from './queue-paths.ts';

const anAddress = z.string().max(1_000);
const ENDING = z.strictObject({
  scope: z.discriminatedUnion('kind', [
    z.strictObject({ kind: z.literal('all') }),
    z.strictObject({ kind: z.literal('domain'), domain: z.string().max(300) }),
    z.strictObject({ kind: z.literal('destination'), destination: z.string().min(1).max(2_000) }),
    z.strictObject({ kind: z.literal('sender'), reversePath: anAddress.nullable() }),
    z.strictObject({ kind: z.literal('recipient'), forwardPath: anAddress }),
    z.strictObject({
      kind: z.literal('message'),
      message: z.string().max(40),
      recipient: z.int().min(0).max(65_535).optional(),
    }),
  ]),
  ending: z.enum(['remove', 'bounce']),
  dryRun: z.boolean().default(false),
  reason: z.string().max(1_000).optional(),
  cursor: z.string().max(4_000).default(''),
});

type AskedScope = z.infer<typeof ENDING>['scope'];

/** Ending waiting recipients (R212): each call does a part of the work and says where to go on. */
export function endingPaths({ queues, audit }: Pick<QueuePathsOptions, 'queues' | 'audit'>): ApiOperation[] {
  return [
    {
      method: 'POST',
      path: '/api/v1/endings',
      role: 'operator',
      body: 'json',
      handle: async (call) => {
        const { scope: asked, ending: kind, dryRun, reason = '', cursor } = call.json(ENDING);
        const scope = readScope(asked);
        if (!dryRun && reason.trim() === '')
          throw new ApiRefusal(400, 'BODY_INVALID', 'reason: is needed, for each recipient');
        const author = call.visitor.name;
        const ending: OperatorEnding | undefined = dryRun ? undefined : { kind, reason: reason.trim(), author };
        const { nextPageToken, ...part } = await queues.end(scope, ending, cursor);
        if (!dryRun) audit('QUEUE_ENDING', { user: author, scope, kind, reason, ...part });
        return { json: { ...part, ...(nextPageToken === '' ? {} : { nextCursor: nextPageToken }) } };
      },
    },
  ];
}

function readScope(asked: AskedScope): MailScope {
  switch (asked.kind) {
    case 'domain':
      return { kind: 'domain', domain: demandDomain(asked.domain) };
    case 'sender':
      return { kind: 'sender', reversePath: asked.reversePath as Address | null };
    case 'recipient':
      return { kind: 'recipient', forwardPath: asked.forwardPath as Address };
    case 'message': {
      const mid = parseMid(asked.message);
      if (mid === undefined) throw new ApiRefusal(400, 'PARAMETER_INVALID', 'scope.message: no message id and no MID');
      return { kind: 'message', ...mid, ...(asked.recipient === undefined ? {} : { recipient: asked.recipient }) };
    }
    default:
      return asked;
  }
}
