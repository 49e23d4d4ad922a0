import type { changeSetWire, configurationWire } from '@mailyard/contracts';
import { differenceText, plainDifference } from './difference-text.ts';
import { askPast, type PastRange, pastLines, plainPast } from './past-mail.ts';
import type { ServerCall } from './server-command.ts';
import { wantsColour } from './table-text.ts';
import { waitingLines } from './waiting-text.ts';

/** What a preview found, for JSON. */
export function plainPreview({ faults, warnings, differences, waiting }: configurationWire.PreviewResponse) {
  return { faults, warnings, differences: differences.map(plainDifference), waiting };
}

/** Tells a person what a preview found: the difference on stdout, the rest as messages. */
export function tellPreview(
  { faults, warnings, differences, waiting }: configurationWire.PreviewResponse,
  { io, isJson, say }: Pick<ServerCall<unknown>, 'io' | 'isJson' | 'say'>,
): void {
  for (const { code, field, token, message } of faults) say(`${code}: ${field}: ${JSON.stringify(token)} ${message}`);
  for (const warning of warnings) say(`warning: ${warning}`);
  if (!isJson && faults.length === 0) io.stdout.write(differenceText(differences, wantsColour(io)));
  for (const line of waitingLines(waiting)) say(line);
}

/** Tells what operations would have done with the mail of the past, where that is asked. @returns it, for JSON */
export async function tellPast(
  { target, say }: Pick<ServerCall<unknown>, 'target' | 'say'>,
  operations: changeSetWire.Operation[],
  range: PastRange | undefined,
): Promise<{ readonly past?: ReturnType<typeof plainPast> }> {
  if (range === undefined) return {};
  const past = await askPast(target, operations, range);
  for (const line of pastLines(past)) say(line);
  return { past: plainPast(past) };
}

/** Previews operations and commits nothing. @returns whether they could be committed */
export async function previewOnly(
  call: Pick<ServerCall<unknown>, 'client' | 'target' | 'io' | 'isJson' | 'say' | 'print'>,
  operations: changeSetWire.Operation[],
  expectedVersion: number | undefined,
  range?: PastRange,
): Promise<boolean> {
  const preview = await call.client.preview({ operations, expectedVersion });
  tellPreview(preview, call);
  const { version, faults, differences } = preview;
  const past = faults.length > 0 ? {} : await tellPast(call, operations, range);
  call.print({ version, isCommitted: false, ...plainPreview(preview), ...past }, '');
  if (faults.length > 0) return false;
  call.say(differences.length === 0 ? `nothing would change` : `nothing was changed: version ${version} stays`);
  return true;
}
