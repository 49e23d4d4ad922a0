import type { configurationWire } from '@mailyard/contracts';
import type { AdministrationClient } from '@mailyard/grpc';

/** How long the waiting mail is watched after a commit; it follows on its own. */
const PATIENCE_MS = 5_000;
const MOVES_SHOWN = 20;

/** What a change would do to the mail that waits, in lines; none when it concerns none of it. */
export function waitingLines(waiting: configurationWire.WaitingMail | undefined): string[] {
  if (waiting === undefined) return [];
  const { moved, moves, freed, stranded, discarded, waiting: all, silentOwners } = waiting;
  const lines: string[] = [];
  if (moved > 0)
    lines.push(
      `${moved} of ${all} waiting recipients would go elsewhere: ${freed} freed, ${stranded} stranded, ${discarded} dropped`,
    );
  for (const { from, to, recipients } of moves.slice(0, MOVES_SHOWN))
    lines.push(`  ${recipients} from ${from} to ${to}`);
  if (moves.length > MOVES_SHOWN) lines.push(`  and ${moves.length - MOVES_SHOWN} moves more`);
  if (silentOwners.length > 0) lines.push(`not counted, since they did not answer: ${silentOwners.join(', ')}`);
  return lines;
}

/** Says how the waiting mail follows a version, where there is any. What goes wrong here undoes no commit. */
export async function tellFollowing(
  client: AdministrationClient,
  version: number,
  say: (text: string) => void,
): Promise<void> {
  try {
    for await (const { recipients, done } of client.followWaitingMail(version, PATIENCE_MS))
      if (recipients > 0) say(`${done} of ${recipients} waiting recipients follow version ${version}`);
  } catch {
    say(`the waiting mail follows version ${version}; how far it is cannot be seen now`);
  }
}
