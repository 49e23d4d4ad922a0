import { z } from 'zod';
import { type PastMail, PAST_LIMITS, TooManyLook } from '../tracking/past-mail.ts';
import { ApiRefusal } from './api-refusal.ts';
import type { ApiOperation } from './api-server.ts';
import type { PendingChanges } from './pending-changes.ts';
import { count } from './shape.ts';

const PAST = z.strictObject({
  seconds: count(1, 99_999 * 86_400).default(PAST_LIMITS.seconds),
  limit: count(1, PAST_LIMITS.mostRecipients).default(PAST_LIMITS.recipients),
});

/** What is pending, run through the mail that came and went. */
export function pastPaths(pending: PendingChanges, mail: PastMail): ApiOperation[] {
  return [
    {
      method: 'GET',
      path: '/api/v1/pending/past',
      role: 'reader',
      handle: async (call) => {
        const question = call.query(PAST);
        const { version, tables } = await pending.tables(call.visitor.name);
        try {
          return { json: { version, ...(await mail.compare(tables, question, call.signal)) } };
        } catch (error) {
          if (error instanceof TooManyLook) throw new ApiRefusal(503, 'BUSY', error.message, { retryAfterSeconds: 10 });
          throw error;
        }
      },
    },
  ];
}
