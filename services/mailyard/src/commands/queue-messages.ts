/** `queue show` and `queue oldest`: single messages that wait (R212). */
import { status } from '@grpc/grpc-js';
import { once } from 'node:events';
import { CallRefusal, type QueueClient } from '@mailyard/grpc';
import { EXIT } from '../io.ts';
import { messageJson, messageText, oldestJson, oldestText, PrintableContent } from '../message-text.ts';
import { Misuse, type ServerCall } from '../server-command.ts';
import { wantsColour } from '../table-text.ts';
import { readCount } from '../words.ts';

export interface MessageValues {
  readonly content?: boolean;
  readonly domain?: string;
  readonly destination?: string;
  readonly limit?: string;
}

type Call = ServerCall<MessageValues>;

/** `queue show`: what there is of one message; with `--content` its octets. */
export async function show(
  { words: [, id, ...rest], values, isJson, io, print, say }: Call,
  client: QueueClient,
): Promise<number> {
  if (id === undefined || id === '') throw new Misuse('say which: a message id or a MID');
  if (rest.length > 0) throw new Misuse('show takes one message');
  if (values.content === true) {
    if (isJson) throw new Misuse('--content prints the octets of the message, not JSON');
    return writeContent(client, id, io);
  }
  const shown = await client.getMessage({ id, local: false });
  const headers = new Map<string, string | undefined>();
  let isWhole = true;
  for (const { mid } of shown.copies) {
    try {
      headers.set(mid, await readHeader(client, mid));
    } catch (error) {
      if (!(error instanceof CallRefusal)) throw error;
      say(`the header of ${mid} is left out: ${error.message}`);
      // To a reader it is not shown, which is no failure.
      if (error.code === status.PERMISSION_DENIED) break;
      isWhole = false;
    }
  }
  print(messageJson(shown, headers), messageText(shown, headers));
  for (const note of shown.notes) say(note);
  return isWhole ? EXIT.done : EXIT.refused;
}

async function readHeader(client: QueueClient, mid: string): Promise<string> {
  const pieces: Buffer[] = [];
  for await (const { octets } of client.readContent({ id: mid, headerOnly: true, local: false }))
    pieces.push(Buffer.from(octets));
  return Buffer.concat(pieces).toString('utf8');
}

/** To a file or program octet for octet, to a terminal with nothing that it would obey. */
async function writeContent(client: QueueClient, id: string, { stdout, isTerminal }: Call['io']): Promise<number> {
  const safe = isTerminal ? new PrintableContent() : undefined;
  const write = async (piece: string | Uint8Array): Promise<void> => {
    if (!stdout.write(piece)) await once(stdout, 'drain');
  };
  for await (const { octets } of client.readContent({ id, headerOnly: false, local: false }))
    await write(safe?.push(octets) ?? octets);
  if (safe !== undefined) await write(safe.push());
  return EXIT.done;
}

/** `queue oldest`: the messages that have waited longest. */
export async function oldest({ values, io, print, say }: Call, client: QueueClient): Promise<number> {
  const { domain, destination } = values;
  if (domain !== undefined && destination !== undefined)
    throw new Misuse('oldest takes --domain or --destination, not both');
  const limit = values.limit === undefined ? 1 : readCount('--limit', values.limit);
  if (limit > MOST_OLDEST) throw new Misuse(`--limit is ${MOST_OLDEST} at the most`);
  const { messages, silentOwners } = await client.listOldest({
    ...(domain === undefined ? {} : { domain }),
    ...(destination === undefined ? {} : { destination }),
    limit,
    local: false,
  });
  print(messages.map(oldestJson), oldestText(messages, Date.now(), wantsColour(io)));
  if (silentOwners.length === 0) return EXIT.done;
  say(`no answer from ${silentOwners.join(', ')}: the mail that waits there is left out`);
  return EXIT.refused;
}

const MOST_OLDEST = 1_000;
