import { printRatFile, type RecipientAccessEntry, readRatFile } from '@mailyard/access';
import { changeSetWire, writeRecipientAccess } from '@mailyard/contracts';
import { readAccess } from '@mailyard/grpc';
import { parseMailbox } from '@mailyard/mail';
import { REPLACING_USAGE } from '../access-file.ts';
import { EXIT } from '../io.ts';
import { type RowTable, rowTableCommand } from '../row-table.ts';
import { Misuse, type ServerCall } from '../server-command.ts';

const USAGE = `usage: mailyard rat print
       mailyard rat import FILE yes
       mailyard rat export FILE
       mailyard rat test RECIPIENT

  The recipient access table: whose mail is taken. A line an entry, the first that names a recipient decides:
  .example.com ACCEPT; old.example REJECT 551 "moved away"; abuse@ ACCEPT bypass_receiving_control; ALL REJECT

  FILE     on this machine; - is standard input or output
  yes      says that all entries may be replaced

${REPLACING_USAGE}`;

const TABLE: RowTable<RecipientAccessEntry> = {
  name: 'rat',
  section: changeSetWire.Section.SECTION_RECIPIENT_ACCESS,
  none: 'no entries: everyone is refused',
  rowsOf: (access) => readAccess(access).recipients.entries,
  readFile: readRatFile,
  printFile: printRatFile,
  itemOf: (entry) => ({ $case: 'recipientAccess', value: writeRecipientAccess(entry) }),
};

/** Tells which entry decides about a recipient. */
async function test(call: ServerCall<unknown>, words: readonly string[]): Promise<number> {
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

/** `mailyard rat`: the recipient access table as text (R135). */
export const run = rowTableCommand(TABLE, USAGE, test);
