import { printRatFile, type RecipientAccessEntry, readRatFile } from '@mailyard/access';
import { changeSetWire, writeRecipientAccess } from '@mailyard/contracts';
import { readAccess } from '@mailyard/grpc';
import { parseMailbox } from '@mailyard/mail';
import { printable } from '@mailyard/telemetry';
import {
  exportTable,
  importTable,
  REPLACING,
  REPLACING_USAGE,
  type ReplacingValues,
  replaceSection,
} from '../access-file.ts';
import { type Command, EXIT } from '../io.ts';
import { printPaged } from '../pager.ts';
import { demandOnly, Misuse, runServerCommand, type ServerCall } from '../server-command.ts';

const USAGE = `usage: mailyard rat print
       mailyard rat import FILE yes
       mailyard rat export FILE
       mailyard rat test RECIPIENT

  The recipient access table: whose mail is taken. A line an entry, the first that names a recipient decides:
  .example.com ACCEPT; old.example REJECT 551 "moved away"; abuse@ ACCEPT bypass_receiving_control; ALL REJECT

  FILE     on this machine; - is standard input or output
  yes      says that all entries may be replaced

${REPLACING_USAGE}`;

type Call = ServerCall<ReplacingValues>;

/** `mailyard rat`: the recipient access table as text, in batch (R135). */
export const run: Command = (args, io) =>
  runServerCommand('rat', USAGE, REPLACING, args, io, (call) => {
    const [verb, ...words] = call.words;
    if (verb === undefined) throw new Misuse('rat takes print, import, export or test');
    const taken = TAKEN.get(verb);
    if (taken === undefined) throw new Misuse(`there is no ${JSON.stringify(verb)}`);
    demandOnly(verb, call.values, taken);
    switch (verb) {
      case 'print':
        return print(call, words);
      case 'import':
        return importTable(call, words, 'rat', readTable);
      case 'export':
        return exportFile(call, words);
      default:
        return test(call, words);
    }
  });

/** The options that each verb looks at. */
const TAKEN: ReadonlyMap<string, readonly string[]> = new Map([
  ['print', []],
  ['import', Object.keys(REPLACING)],
  ['export', []],
  ['test', []],
]);

async function print(call: Call, words: readonly string[]): Promise<number> {
  if (words.length > 0) throw new Misuse('print takes no words');
  const { version, recipients } = readAccess(await call.client.getAccess());
  if (call.isJson) call.print({ version, entries: recipients.entries }, '');
  else await printPaged(call.io, printRatFile(recipients.entries).split('\n').map(printable).join('\n'));
  return EXIT.done;
}

async function exportFile(call: Call, words: readonly string[]): Promise<number> {
  const { version, recipients } = readAccess(await call.client.getAccess());
  return exportTable(call, words, `rat export: version ${version}`, printRatFile(recipients.entries));
}

function readTable(text: string): ReturnType<Parameters<typeof importTable>[3]> {
  const read = readRatFile(text);
  return read.kind === 'faults' ? read : { kind: 'read', operations: () => [replacing(read.entries)] };
}

function replacing(entries: readonly RecipientAccessEntry[]): changeSetWire.Operation {
  return replaceSection(
    changeSetWire.Section.SECTION_RECIPIENT_ACCESS,
    entries.map((entry) => ({ $case: 'recipientAccess', value: writeRecipientAccess(entry) })),
  );
}

/** Tells which entry decides about a recipient. */
async function test(call: Call, words: readonly string[]): Promise<number> {
  const [text = '', ...rest] = words;
  const recipient = parseMailbox(text);
  if (recipient === undefined || rest.length > 0) throw new Misuse('test takes one address');
  const { version, recipients } = readAccess(await call.client.getAccess());
  const { action, matched, reply, bypassReceivingControl = false } = recipients.verdict(recipient);
  const answer = reply === undefined ? '' : `: ${reply.code} ${reply.enhancedStatus ?? ''} ${reply.text}`;
  call.print(
    { version, recipient: recipient.address, action, matched, reply, bypassReceivingControl },
    `${action} by ${matched}${answer}\n`,
  );
  return EXIT.done;
}
