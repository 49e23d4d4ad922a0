import { itemsOf } from '@mailyard/configuration';
import { recipientDomain } from '@mailyard/mail';
import { printTarget, readReceivingDomain, writeRoute } from '@mailyard/smtp-routes';
import { z } from 'zod';
import { ApiRefusal } from './api-refusal.ts';
import type { ApiCall, ApiOperation } from './api-server.ts';
import { changeJson } from './change-paths.ts';
import type { ConfigurationDesk } from './configuration-desk.ts';
import { coversOf } from './covers.ts';
import type { PendingChanges } from './pending-changes.ts';
import { RouteRows } from './route-rows.ts';
import { count, flag, instant, limit, offset, version, writtenRoute } from './shape.ts';

const LIST = z.strictObject({
  search: z.string().max(300).default(''),
  sort: z
    .enum(['table', 'receivingDomain', '-receivingDomain', 'destination', '-destination', 'since', '-since'])
    .default('table'),
  offset,
  limit,
  pending: flag(true),
  version,
});
const ONE = z.strictObject({ pending: flag(true), version });
const CHECK = z.strictObject({ route: writtenRoute, editing: z.string().max(1_000).optional() });
const EXPLAIN = z.strictObject({
  recipient: z.string().min(1).max(1_000),
  pending: flag(false),
  version,
  at: instant,
});
const EXPORT = z.strictObject({
  version: count(0, Number.MAX_SAFE_INTEGER).default(0),
  filename: z
    .string()
    .regex(/^[A-Za-z0-9_][A-Za-z0-9._-]{0,99}$/, 'is no bare file name')
    .default('smtproutes.txt'),
});

export interface RoutePathsOptions {
  readonly desk: ConfigurationDesk;
  readonly pending: PendingChanges;
  /** Tool and version, for the first line of an export. */
  readonly release: string;
}

/** The SMTP route table. */
export function routePaths({ desk, pending, release }: RoutePathsOptions): ApiOperation[] {
  const routeRows = new RouteRows();

  async function rowsFor({ visitor }: ApiCall, asked: { pending: boolean; version?: number | undefined }) {
    const { state, draft } = await pending.view(visitor.name, asked);
    return { state, rows: routeRows.of(state, draft) };
  }

  return [
    {
      method: 'GET',
      path: '/api/v1/routes',
      role: 'reader',
      handle: async (call) => {
        const asked = call.query(LIST);
        const { state, rows } = await rowsFor(call, asked);
        const found = routeRows.list(rows, asked.sort, asked.search);
        return {
          isPolled: true,
          json: {
            version: state.version,
            mode: rows.after.mode,
            routes: found.slice(asked.offset, asked.offset + asked.limit),
            found: found.length,
            total: rows.after.sections.routes.size,
            limit: desk.rules.maxRoutes,
          },
        };
      },
    },
    {
      method: 'POST',
      path: '/api/v1/routes/check',
      role: 'reader',
      body: 'json',
      handle: async (call) => {
        const { route, editing } = call.json(CHECK);
        const { faults, warnings } = await pending.check(call.visitor.name, {
          kind: 'set',
          route,
          expect: editing === undefined ? 'absent' : 'present',
          replaces: editing,
        });
        const { after } = (await rowsFor(call, { pending: true })).rows;
        const read = readReceivingDomain(route.receivingDomain);
        return {
          json: { faults, warnings, ...('code' in read ? {} : { covers: coversOf(read.receivingDomain, after) }) },
        };
      },
    },
    {
      method: 'GET',
      path: '/api/v1/routes/export',
      role: 'reader',
      handle: async (call) => {
        const asked = call.query(EXPORT);
        return {
          text: await desk.exportRoutes(asked.version, release),
          headers: { 'Content-Disposition': `attachment; filename="${asked.filename}"` },
        };
      },
    },
    {
      method: 'GET',
      path: '/api/v1/routes/{receivingDomain}',
      role: 'reader',
      handle: async (call) => {
        const asked = call.query(ONE);
        const {
          state,
          rows: { after, rows },
        } = await rowsFor(call, asked);
        const text = call.parameters.get('receivingDomain')!;
        const read = readReceivingDomain(text);
        const key = 'code' in read ? undefined : read.receivingDomain;
        const row = rows.find(({ receivingDomain }) => canonical(receivingDomain) === key);
        if (key === undefined || row === undefined)
          throw new ApiRefusal(404, 'ROUTE_NOT_FOUND', `there is no route for ${JSON.stringify(text.slice(0, 120))}`);
        const changed = row.since === 0 ? undefined : await desk.changeSet(row.since);
        return {
          json: {
            version: state.version,
            mode: after.mode,
            route: row,
            covers: coversOf(key, after),
            ...(changed === undefined ? {} : { changedBy: changeJson(changed) }),
          },
        };
      },
    },
    {
      method: 'GET',
      path: '/api/v1/explain',
      role: 'reader',
      handle: async (call) => {
        const asked = call.query(EXPLAIN);
        const domain = recipientDomain(asked.recipient.trim());
        if (domain === undefined)
          throw new ApiRefusal(400, 'RECIPIENT_INVALID', 'that is no address, no domain and no literal in brackets');
        const draft = asked.pending ? await pending.of(call.visitor.name) : undefined;
        const explained = await desk.explain(
          domain,
          asked.version !== undefined && asked.version > 0
            ? { version: asked.version }
            : asked.at !== undefined
              ? { at: asked.at }
              : draft && { draft: draft.operations },
        );
        return { json: await explanationJson(desk, explained) };
      },
    },
    {
      method: 'GET',
      path: '/api/v1/auth-profiles',
      role: 'reader',
      handle: () => ({
        json: {
          profiles: Array.from(itemsOf(desk.state, 'authProfiles'), ({ item: { name, username, allowClear } }) => ({
            name,
            username,
            allowClear,
          })),
        },
      }),
    },
  ];
}

function canonical(text: string): string {
  const read = readReceivingDomain(text);
  return 'code' in read ? text : read.receivingDomain;
}

async function explanationJson(
  desk: ConfigurationDesk,
  { state, domain, decision, candidates, hosts }: Awaited<ReturnType<ConfigurationDesk['explain']>>,
): Promise<unknown> {
  const told = await Promise.all(
    candidates.map(async ({ entry: { item, since }, verdict }) => {
      const isCommitted = since > 0 && since <= desk.state.version;
      const changed = isCommitted ? await desk.changeSet(since) : undefined;
      return {
        route: writeRoute(item),
        verdict,
        ...(changed === undefined ? {} : { changedBy: changeJson(changed) }),
      };
    }),
  );
  return {
    version: state.version,
    mode: state.mode,
    domain,
    matched: decision.matched,
    goesTo: printTarget(decision.target),
    target: decision.target.kind,
    candidates: told,
    hosts: hosts.map(({ name, address, port, priority, problem, problemStatus }) => ({
      ...{ name, address, port, priority },
      ...(problem === undefined ? {} : { problem }),
      ...(problemStatus === undefined ? {} : { problemStatus }),
    })),
  };
}
