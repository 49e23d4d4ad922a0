/** What the set-up wizard would commit, from what a server tells of its configuration. */
import { applyOperations, findSetupMade, initialState, planSetup, type SetupRow } from '@mailyard/configuration';
import { type changeSetWire as wire, readOperations, writeOperation } from '@mailyard/contracts';
import type { AdministrationClient } from '@mailyard/grpc';
import type { Remark } from '@mailyard/mail';
import { DEFAULT_ROUTE_RULES } from '@mailyard/smtp-routes';

export interface AskedSetupPlan {
  /** The version that it was made on. */
  readonly version: number;
  readonly operations: readonly wire.Operation[];
  /** What the person should know of it. */
  readonly hints: readonly Remark[];
  /** What is wrong with the rows; then there are no operations. */
  readonly faults: readonly { readonly code: string; readonly token: string; readonly message: string }[];
}

const ROUTES: wire.Section = 1;
const ACCESS: wire.Section = 2;
const HISTORY_PAGE = 500;

/** Asks for what there is and makes the plan of the rows. */
export async function askSetupPlan(client: AdministrationClient, rows: readonly SetupRow[]): Promise<AskedSetupPlan> {
  const [table, access, history] = await Promise.all([client.table(), client.getAccess(), readHistory(client)]);
  const sections: wire.Operation[] = [
    replace(
      ROUTES,
      table.routes.map((value) => ({ item: { $case: 'route', value } })),
    ),
    replace(
      ACCESS,
      access.recipientAccess.map((value) => ({ item: { $case: 'recipientAccess', value } })),
    ),
  ];
  const state = applyOperations(initialState(''), readOperations(sections, DEFAULT_ROUTE_RULES, []));
  const plan = planSetup(state, findSetupMade(history), rows, DEFAULT_ROUTE_RULES);
  return { ...plan, version: table.version, operations: plan.operations.map(writeOperation) };
}

function replace(section: wire.Section, items: wire.Item[]): wire.Operation {
  return { operation: { $case: 'replace', value: { section, items } } };
}

/** Everybody's change sets, newest first. */
async function readHistory(client: AdministrationClient) {
  const all = [];
  for (let before = 0; ; ) {
    const page = await client.history({
      pageSize: HISTORY_PAGE,
      beforeVersion: before,
      section: 0,
      key: '',
      withOperations: true,
      id: '',
    });
    for (const { change, operations } of page.entries)
      all.push({ id: change?.id ?? '', operations: readOperations(operations, DEFAULT_ROUTE_RULES, []) });
    if (page.nextBeforeVersion === 0) return all;
    before = page.nextBeforeVersion;
  }
}
