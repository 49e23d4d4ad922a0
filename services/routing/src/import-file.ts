import { setImmediate as turn } from 'node:timers/promises';
import {
  type ConfigurationState,
  differences,
  isSameSection,
  type Operation,
  applyOperations,
} from '@mailyard/configuration';
import {
  checkRouteFileOctets,
  notUtf8,
  readRouteFile,
  type RouteFault,
  type RouteRules,
  type SmtpRoute,
} from '@mailyard/smtp-routes';

export type ReadFile =
  | { readonly kind: 'routes'; readonly routes: readonly SmtpRoute[] }
  | { readonly kind: 'faults'; readonly faults: readonly RouteFault[] };

/** Reads a file of routes without keeping others from their turn for long; all of it or nothing (R193). */
export async function readFile(octets: Uint8Array, rules: RouteRules): Promise<ReadFile> {
  const fault = checkRouteFileOctets(octets);
  if (fault !== undefined) return { kind: 'faults', faults: [fault] };
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(octets);
  } catch {
    return { kind: 'faults', faults: [notUtf8()] };
  }
  const reader = readRouteFile(text, rules);
  for (let step = reader.next(); ; step = reader.next()) {
    if (step.done === true) return step.value;
    await turn();
  }
}

/** What replacing all routes by these would do (R192, R205). */
export interface Replacement {
  readonly operations: readonly Operation[];
  readonly added: number;
  readonly removed: number;
  readonly changed: number;
  readonly unchanged: number;
}

/** Counts what would come, go and change. Without anything to change, there are no operations. */
export function replaceRoutes(state: ConfigurationState, routes: readonly SmtpRoute[]): Replacement {
  const operations: Operation[] = [{ kind: 'replace', section: 'routes', items: routes }];
  const after = applyOperations(state, operations);
  let [added, removed, changed] = [0, 0, 0];
  for (const { before: old, after: now } of differences(state, after)) {
    if (old === undefined) added++;
    else if (now === undefined) removed++;
    else changed++;
  }
  const unchanged = after.sections.routes.size - added - changed;
  return { operations: isSameSection('routes', state, after) ? [] : operations, added, removed, changed, unchanged };
}
