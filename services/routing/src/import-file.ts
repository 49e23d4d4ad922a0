import {
  type ConfigurationState,
  type Difference,
  differences,
  isSameSection,
  type Operation,
  applyOperations,
} from '@mailyard/configuration';
import { makeRemark, type Remark } from '@mailyard/mail';
import {
  checkRouteFileOctets,
  type ForeignFormat,
  notUtf8,
  readForeignTable,
  readRouteFile,
  type RouteFault,
  type MatchingMode,
  type RouteRules,
  type SmtpRoute,
} from '@mailyard/smtp-routes';
import { Pace } from '@mailyard/telemetry';

export type ReadFile =
  | { readonly kind: 'routes'; readonly routes: readonly SmtpRoute[] }
  | { readonly kind: 'faults'; readonly faults: readonly RouteFault[] };

/** Ours, or that of another program (R195). */
export type FileFormat = 'smtproutes' | ForeignFormat;

/** Reads a file of routes without keeping others from their turn for long; all of it or nothing (R193). */
export async function readFile(octets: Uint8Array, format: FileFormat, rules: RouteRules): Promise<ReadFile> {
  const fault = checkRouteFileOctets(octets);
  if (fault !== undefined) return { kind: 'faults', faults: [fault] };
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(octets);
  } catch {
    return { kind: 'faults', faults: [notUtf8()] };
  }
  const reader = format === 'smtproutes' ? readRouteFile(text, rules) : readForeignTable(text, format, rules);
  // A step is a thousand lines.
  const pace = new Pace(1);
  for (let step = reader.next(); ; step = reader.next()) {
    if (step.done === true) return step.value;
    if (pace.isOver) await pace.rest();
  }
}

/** What replacing all routes by these would do (R192, R205). */
export interface Replacement {
  readonly operations: readonly Operation[];
  readonly differences: readonly Difference[];
  readonly added: number;
  readonly removed: number;
  readonly changed: number;
  readonly unchanged: number;
  /** What a person who looks at the entries only would not see. */
  readonly warnings: readonly Remark[];
}

/** Counts what would come, go and change. Without anything to change, there are no operations. */
export function replaceRoutes(
  state: ConfigurationState,
  routes: readonly SmtpRoute[],
  mode: MatchingMode,
): Replacement {
  const operations: Operation[] = [{ kind: 'replace', section: 'routes', items: routes }];
  if (mode !== state.mode) operations.push({ kind: 'matchingMode', mode });
  const after = applyOperations(state, operations);
  let [added, removed, changed] = [0, 0, 0];
  const found = [...differences(state, after)];
  for (const { before: old, after: now } of found) {
    if (old === undefined) added++;
    else if (now === undefined) removed++;
    else changed++;
  }
  const unchanged = after.sections.routes.size - added - changed;
  const isSame = mode === state.mode && isSameSection('routes', state, after);
  const warnings: Remark[] = [];
  const hadDefault = state.sections.routes.get('ALL')?.item.target.kind === 'hosts';
  if (hadDefault && !routes.some(({ receivingDomain }) => receivingDomain === 'ALL'))
    warnings.push(makeRemark('FILE_WITHOUT_DEFAULT'));
  if (mode !== state.mode)
    warnings.push(makeRemark(mode === 'covering' ? 'MODE_BECOMES_COVERING' : 'MODE_BECOMES_DOTTED'));
  return { operations: isSame ? [] : operations, differences: found, added, removed, changed, unchanged, warnings };
}
