/** A file of routes that is to take the place of all that there are: read, and counted before anyone says yes (R205). */
import type { changeSetWire } from '@mailyard/contracts';
import {
  checkRouteFileOctets,
  DEFAULT_ROUTE_RULES,
  notUtf8,
  parseRouteFile,
  type ReadRouteFile,
  type RouteFault,
} from '@mailyard/smtp-routes';
import { destinationText } from './route-text.ts';

type Routes = ReadonlyMap<string, changeSetWire.SmtpRoute>;

/** What this side does not know of the gateway's rules is left to the gateway to refuse. */
const RULES = { ...DEFAULT_ROUTE_RULES, maxRoutes: 1_000_000, allowSingleLabel: true, allowReserved: true };

/** Reads a file of routes with every fault and its line. */
export function readRoutes(octets: Uint8Array): ReadRouteFile {
  const fault = checkRouteFileOctets(octets);
  if (fault !== undefined) return { kind: 'faults', faults: [fault] };
  try {
    return parseRouteFile(new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(octets), RULES);
  } catch (error) {
    if (error instanceof TypeError) return { kind: 'faults', faults: [notUtf8()] };
    throw error;
  }
}

/** A fault of a file: its line, unless it is of the whole, then what is wrong. */
export function fileFaultText({
  line,
  code,
  token,
  message,
}: Pick<RouteFault, 'token' | 'message'> & { readonly code: string; readonly line?: number | undefined }): string {
  const place = line === undefined ? '' : `line ${line}: `;
  return `${place}${code}: ${token === '' ? '' : `${JSON.stringify(token)} `}${message}`;
}

/** Tells what would go and come, `ALL` apart. */
export function replacementText(before: Routes, after: Routes): string {
  let [added, changed] = [0, 0];
  for (const [key, route] of after) {
    const old = before.get(key);
    if (key === 'ALL') continue;
    if (old === undefined) added++;
    else if (destinationText(old) !== destinationText(route)) changed++;
  }
  const kept = after.size - 1 - added;
  const removed = before.size - 1 - kept;
  const [old, now] = [destinationText(before.get('ALL')!), destinationText(after.get('ALL')!)];
  const fallback = old === now ? '' : `\nThe default route ALL becomes ${now === '' ? 'empty' : now}.`;
  return (
    `All ${before.size - 1} existing routes will be replaced by the ${after.size - 1} of the file: ` +
    `${added} added, ${removed} removed, ${changed} changed.${fallback}`
  );
}
