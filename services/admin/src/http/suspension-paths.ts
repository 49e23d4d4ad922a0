import { itemsOf, type Operation, type Suspension, suspensionKey, Suspensions } from '@mailyard/configuration';
import { z } from 'zod';
import { ApiRefusal } from './api-refusal.ts';
import type { ApiOperation } from './api-server.ts';
import type { ConfigurationDesk } from './configuration-desk.ts';
import { refusalOf } from './pending-changes.ts';
import { demandDomain } from './queue-paths.ts';

const MINUTE_MS = 60_000;
const MOST_MINUTES = 366 * 24 * 60;
const NAMED = z.discriminatedUnion('part', [
  z.strictObject({
    part: z.literal('delivery'),
    domain: z.string().min(1).max(300).optional(),
    destination: z.string().min(1).max(2_000).optional(),
  }),
  z.strictObject({ part: z.literal('receiving'), listener: z.string().min(1).max(300).optional() }),
]);
const aReason = z.string().trim().min(1, 'is needed').max(1_000);
const SUSPENSION = z.strictObject({
  scope: NAMED,
  minutes: z.int().min(1).max(MOST_MINUTES).optional(),
  reason: aReason,
});
const RESUMPTION = z.strictObject({ scope: NAMED, reason: aReason });

type Named = Pick<Suspension, 'part' | 'domain' | 'destination' | 'listener'>;

export interface SuspensionPathsOptions {
  readonly desk: ConfigurationDesk;
  readonly now: () => number;
}

/** Delivery and receiving that rest (R211): items of the configuration, each committed by itself. */
export function suspensionPaths({ desk, now }: SuspensionPathsOptions): ApiOperation[] {
  const commit = async (operation: Operation, author: string, reason: string): Promise<number> => {
    const outcome = await desk.commit([operation], { author, reason });
    if (outcome.kind !== 'committed') throw refusalOf(outcome);
    return outcome.version;
  };
  return [
    {
      method: 'GET',
      path: '/api/v1/suspensions',
      role: 'reader',
      handle: async () => {
        const items = Array.from(itemsOf(desk.state, 'suspensions'), ({ item }) => item);
        return { isPolled: true, json: { suspensions: new Suspensions(items, now()).items } };
      },
    },
    {
      method: 'POST',
      path: '/api/v1/suspensions',
      role: 'operator',
      body: 'json',
      handle: async (call) => {
        const { scope, minutes, reason } = call.json(SUSPENSION);
        const author = call.visitor.name;
        const end = minutes === undefined ? {} : { until: now() + minutes * MINUTE_MS };
        const item: Suspension = { ...readNamed(scope), ...end, reason, author };
        const version = await commit({ kind: 'set', section: 'suspensions', item }, author, reason);
        return { json: { version, suspension: item } };
      },
    },
    {
      method: 'POST',
      path: '/api/v1/suspensions/resume',
      role: 'operator',
      body: 'json',
      handle: async (call) => {
        const { scope, reason } = call.json(RESUMPTION);
        const key = suspensionKey({ ...readNamed(scope), reason: '', author: '' });
        const version = await commit({ kind: 'remove', section: 'suspensions', key }, call.visitor.name, reason);
        return { json: { version } };
      },
    },
  ];
}

/** @throws ApiRefusal `PARAMETER_INVALID`, `DOMAIN_INVALID` */
function readNamed(asked: z.infer<typeof NAMED>): Named {
  if (asked.part === 'receiving') {
    const { part, listener } = asked;
    return { part, ...(listener === undefined ? {} : { listener }) };
  }
  const { part, domain, destination } = asked;
  if (domain !== undefined && destination !== undefined)
    throw new ApiRefusal(400, 'PARAMETER_INVALID', 'scope: a domain or a destination, not both');
  return {
    part,
    ...(domain === undefined ? {} : { domain: demandDomain(domain) }),
    ...(destination === undefined ? {} : { destination }),
  };
}
