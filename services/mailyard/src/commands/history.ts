import type { configurationWire } from '@mailyard/contracts';
import { printable } from '@mailyard/telemetry';
import { operationText } from '../difference-text.ts';
import { type Command, EXIT } from '../io.ts';
import { alignColumns } from '../route-text.ts';
import { demandOnly, Misuse, runServerCommand } from '../server-command.ts';
import { readCount } from '../words.ts';

export const USAGE = `usage: mailyard history [VERSION] [--limit N] [--before VERSION] [--route DOMAIN]

  VERSION          only this version, with what it did
  --limit N        at most so many, newest first (20)
  --before VERSION only older ones
  --route DOMAIN   only versions that touched this entry
`;

const OPTIONS = { limit: { type: 'string' }, before: { type: 'string' }, route: { type: 'string' } } as const;

const MOST = 1_000_000;

/** `mailyard history`: who changed what, when and why. */
export const run: Command = (args, io) =>
  runServerCommand('history', USAGE, OPTIONS, args, io, async ({ client, words, values, print, say }) => {
    const [version, ...rest] = words.map((word) => readCount('a version', word));
    if (rest.length > 0) throw new Misuse('history takes one version');
    if (version !== undefined) demandOnly('history VERSION', values, []);
    const before = values.before === undefined ? 0 : readCount('--before', values.before);
    const { entries } = await client.history({
      id: '',
      pageSize:
        version === undefined ? (values.limit === undefined ? 20 : readCount('--limit', values.limit, MOST)) : 1,
      beforeVersion: version === undefined ? before : version + 1,
      section: values.route === undefined ? 0 : 1,
      key: values.route ?? '',
      withOperations: version !== undefined,
    });
    if (version !== undefined && entries[0]?.change?.version !== version)
      throw new Error(`there is no version ${version}`);
    const detail =
      version === undefined
        ? ''
        : entries[0]!.operations.map((operation) => `    ${printable(operationText(operation))}\n`).join('');
    const lines = alignColumns(entries.map(row)).map((line) => `${line}\n`);
    print(entries.map(plainEntry), `${lines.join('')}${detail}`);
    if (entries.length === 0) say('there are no such versions');
    return EXIT.done;
  });

function row({ change }: configurationWire.HistoryEntry): string[] {
  const { version, committedAt, author, reason, operationCount, isUnreadable } = change!;
  if (isUnreadable) return [String(version), '', '', 'unreadable', reason];
  const count = `${operationCount} ${operationCount === 1 ? 'operation' : 'operations'}`;
  return [String(version), new Date(committedAt).toISOString(), author, count, reason];
}

function plainEntry({ change, operations }: configurationWire.HistoryEntry): unknown {
  const { version, id, committedAt, author, reason, operationCount, hash, isUnreadable } = change!;
  if (isUnreadable) return { version, id, reason, hash, isUnreadable };
  const at = new Date(committedAt).toISOString();
  return {
    version,
    id,
    at,
    author,
    reason,
    hash,
    operationCount,
    ...(operations.length === 0 ? {} : { operations: operations.map(operationText) }),
  };
}
