import { randomUUID } from 'node:crypto';
import {
  type ConfigurationState,
  findSetupMade,
  planSetup,
  SETUP_ID,
  type SetupPlan,
  type SetupRow,
  setupRowsOf,
} from '@mailyard/configuration';
import { z } from 'zod';
import { ApiRefusal } from './api-refusal.ts';
import type { ApiOperation } from './api-server.ts';
import type { ConfigurationDesk } from './configuration-desk.ts';
import { writeDifferences } from './difference-json.ts';
import { refusalOf } from './pending-changes.ts';
import { setupRows } from './shape.ts';

const ROWS = z.strictObject({ rows: setupRows });
const COMMIT = z.strictObject({ rows: setupRows, version: z.int().min(1) });
const HISTORY_PAGE = 1_000;

/** Whether mail is taken for no domain yet. */
export function needsSetup({ sections }: ConfigurationState): boolean {
  for (const { item } of sections.rat.values()) if (item.action === 'ACCEPT') return false;
  return true;
}

/** The wizard of the first day (R170 to R172). */
export function setupPaths(desk: ConfigurationDesk): ApiOperation[] {
  const plan = async (state: ConfigurationState, rows: readonly SetupRow[]): Promise<SetupPlan> =>
    planSetup(state, findSetupMade(await wholeHistory(desk)), rows, desk.rules);
  return [
    {
      method: 'GET',
      path: '/api/v1/setup',
      role: 'reader',
      handle: async () => {
        const { state } = desk;
        const made = findSetupMade(await wholeHistory(desk));
        return { json: { needsSetup: needsSetup(state), version: state.version, rows: setupRowsOf(state, made) } };
      },
    },
    {
      method: 'POST',
      path: '/api/v1/setup/check',
      role: 'reader',
      body: 'json',
      handle: async (call) => {
        const { state } = desk;
        const { operations, hints, faults } = await plan(state, call.json(ROWS).rows);
        const preview = await desk.preview(operations);
        return {
          json: {
            faults: [...faults, ...preview.faults],
            warnings: preview.warnings,
            hints,
            version: preview.version,
            differences: preview.after === undefined ? [] : writeDifferences(preview.before, preview.after).differences,
          },
        };
      },
    },
    {
      method: 'POST',
      path: '/api/v1/setup',
      role: 'administrator',
      body: 'json',
      handle: async (call) => {
        const { rows, version } = call.json(COMMIT);
        const state = await desk.at(version);
        const { operations, faults } = await plan(state, rows);
        if (faults.length > 0) throw new ApiRefusal(422, 'FAULTS', 'nothing was committed', { faults });
        if (operations.length === 0) return { json: { version: state.version, isCommitted: false } };
        const outcome = await desk.commit(operations, {
          id: `${SETUP_ID}${randomUUID()}`,
          author: call.visitor.name,
          reason: 'setup wizard',
          expectedVersion: version,
        });
        if (outcome.kind !== 'committed') throw refusalOf(outcome);
        return { json: { version: outcome.version, isCommitted: true } };
      },
    },
  ];
}

async function wholeHistory(desk: ConfigurationDesk) {
  const all = [];
  for (let before: number | undefined; ; ) {
    const page = await desk.history({ limit: HISTORY_PAGE, ...(before === undefined ? {} : { before }) });
    for (const { changeSet } of page) all.push(changeSet);
    before = page.at(-1)?.changeSet.version;
    if (page.length < HISTORY_PAGE || before === undefined) return all;
  }
}
