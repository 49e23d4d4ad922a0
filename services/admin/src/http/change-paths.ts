import { canonicalKey } from '@mailyard/contracts';
import { z } from 'zod';
import { ApiRefusal } from './api-refusal.ts';
import type { ApiOperation } from './api-server.ts';
import type { ConfigurationDesk, DeskCommitted } from './configuration-desk.ts';
import { writeDifferences } from './difference-json.ts';
import { count, limit, version } from './shape.ts';

const HISTORY = z.strictObject({ before: version, limit, receivingDomain: z.string().max(300).optional() });
const aVersion = count(1, Number.MAX_SAFE_INTEGER);
const DIFF = z.strictObject({ from: aVersion, to: count(0, Number.MAX_SAFE_INTEGER).default(0) });

/** A change set without its operations. */
export function changeJson({ changeSet }: DeskCommitted): unknown {
  const { version: number, author, reason, at, operations } = changeSet;
  return { version: number, author, reason, committedAt: at, operationCount: operations.length };
}

/** What was committed, and how versions differ. */
export function changePaths(desk: ConfigurationDesk): ApiOperation[] {
  return [
    {
      method: 'GET',
      path: '/api/v1/changes',
      role: 'reader',
      handle: async (call) => {
        const { before, limit: most, receivingDomain } = call.query(HISTORY);
        const found = await desk.history({
          limit: most,
          ...(before === undefined || before === 0 ? {} : { before }),
          ...(receivingDomain === undefined
            ? {}
            : { section: 'routes' as const, key: canonicalKey('routes', receivingDomain) }),
        });
        const last = found.at(-1)?.changeSet.version ?? 0;
        const isMore = found.length === most && last > 1;
        return { json: { changes: found.map(changeJson), ...(isMore ? { nextBefore: last } : {}) } };
      },
    },
    {
      method: 'GET',
      path: '/api/v1/changes/{version}',
      role: 'reader',
      handle: async ({ parameters }) => {
        const text = parameters.get('version')!;
        const number = /^[1-9]\d{0,14}$/.test(text) ? Number(text) : 0;
        const found = number === 0 ? undefined : await desk.changeSet(number);
        if (found === undefined) throw new ApiRefusal(404, 'VERSION_NOT_FOUND', 'there is no such version');
        const after = await desk.at(number);
        if (number === 1) return { json: { change: changeJson(found), differences: [], differenceCount: 0 } };
        return { json: { change: changeJson(found), ...writeDifferences(await desk.at(number - 1), after) } };
      },
    },
    {
      method: 'GET',
      path: '/api/v1/diff',
      role: 'reader',
      handle: async (call) => {
        const asked = call.query(DIFF);
        const [from, to] = [await desk.at(asked.from), await desk.at(asked.to)];
        return { json: { from: from.version, to: to.version, ...writeDifferences(from, to) } };
      },
    },
  ];
}
