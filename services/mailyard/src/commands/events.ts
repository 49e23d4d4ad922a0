import { readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { status } from '@grpc/grpc-js';
import { EVENT_WORDS, eventJson, eventKindOf } from '@mailyard/contracts';
import type { WatchEventsRequest, WatchEventsResponse } from '@mailyard/contracts/tracking';
import { CallRefusal, QueueClient } from '@mailyard/grpc';
import { escapeJson } from '@mailyard/telemetry';
import { type Command, type CommandIo, EXIT } from '../io.ts';
import { Misuse, runServerCommand, withoutUnknownFields } from '../server-command.ts';
import { eventLine } from '../trace-text.ts';
import { writeWhole } from '../whole-file.ts';

const WORDS = Object.values(EVENT_WORDS).slice(1);

const USAGE = `usage: mailyard events [--follow] [--after CURSOR | --earliest | --cursor-file FILE]
                       [--kind KIND]… [--domain DOMAIN]… [--sender ADDRESS]…

The events of all mail, those of a message in order, each at least once: a line each; with --json an object a line, and
behind some events one with the cursor that stands behind them.

  --follow           goes on with what comes, also over a restart of the gateway; alone, it begins with now
  --after CURSOR     begins behind this one
  --earliest         begins with the first event that is kept; so it does without --follow
  --cursor-file FILE begins behind the cursor in it, if there is one, and writes each new one into it
  --kind KIND        only these: ${WORDS.join(', ')}
  --domain DOMAIN    only with recipients there; .example.com is all domains below it
  --sender ADDRESS   only of messages from there; <> is the null reverse-path
`;

const OPTIONS = {
  follow: { type: 'boolean' },
  after: { type: 'string' },
  earliest: { type: 'boolean' },
  'cursor-file': { type: 'string' },
  kind: { type: 'string', multiple: true },
  domain: { type: 'string', multiple: true },
  sender: { type: 'string', multiple: true },
} as const;

const AGAIN_MS = 1_000;

/** `mailyard events`: what happens to all mail, as a stream that can be resumed. */
export const run: Command = (args, io) =>
  runServerCommand('events', USAGE, OPTIONS, args, io, async ({ target, words, values, isJson, say }) => {
    if (words.length > 0) throw new Misuse('events takes no words');
    const { follow = false, after, earliest = false, kind = [], domain = [], sender = [] } = values;
    const file = values['cursor-file'];
    if ([after !== undefined, earliest, file !== undefined].filter(Boolean).length > 1)
      throw new Misuse('--after, --earliest or --cursor-file');
    const kept = file === undefined ? undefined : await readCursorFile(file);
    const start = earliest || !follow ? '' : undefined;
    const request: WatchEventsRequest = { kinds: kind.map(kindOf), domains: domain, senders: sender };
    let cursor = after ?? kept ?? start;
    const client = new QueueClient(target);
    try {
      for await (const response of responses(client, request, cursor, follow, say)) {
        await print(io, response, isJson);
        if (file !== undefined && response.cursor !== cursor)
          await writeWhole(file, Buffer.from(`${response.cursor}\n`));
        ({ cursor } = response);
        if (response.caughtUp && !follow) break;
      }
      return EXIT.done;
    } catch (error) {
      const told = error instanceof CallRefusal ? error.details.metadata?.['earliest'] : undefined;
      if (told !== undefined) say(`begin with --earliest, or with --after ${told}`);
      throw error;
    } finally {
      client.close();
    }
  });

/** Once the server was there, it is waited for when it goes. */
async function* responses(
  client: QueueClient,
  request: WatchEventsRequest,
  from: string | undefined,
  follow: boolean,
  say: (text: string) => void,
): AsyncGenerator<WatchEventsResponse> {
  let cursor = from;
  let isHeard = false;
  let isAway = false;
  for (;;) {
    try {
      for await (const response of client.watchEvents({
        ...request,
        ...(cursor === undefined ? {} : { after: cursor }),
      })) {
        isHeard = true;
        isAway = false;
        ({ cursor } = response);
        yield response;
      }
    } catch (error) {
      const goesOn = follow && isHeard && error instanceof CallRefusal && error.code === status.UNAVAILABLE;
      if (!goesOn) throw error;
      if (!isAway) say(`the server went away: ${error.message}; waiting for it`);
      isAway = true;
    }
    await sleep(AGAIN_MS);
  }
}

async function print({ stdout }: CommandIo, { events, cursor }: WatchEventsResponse, isJson: boolean): Promise<void> {
  const lines = isJson
    ? [...events.map(eventJson), { cursor }].map((one) => escapeJson(JSON.stringify(one, withoutUnknownFields)))
    : events.map(eventLine);
  if (lines.length === 0) return;
  if (!stdout.write(`${lines.join('\n')}\n`)) await new Promise((resolve) => stdout.once('drain', resolve));
}

function kindOf(word: string): WatchEventsRequest['kinds'][number] {
  const kind = eventKindOf(word);
  if (kind === undefined) throw new Misuse(`--kind takes ${WORDS.join(', ')}, not ${JSON.stringify(word)}`);
  return kind;
}

async function readCursorFile(file: string): Promise<string | undefined> {
  try {
    const cursor = (await readFile(file, 'utf8')).trim();
    return cursor === '' ? undefined : cursor;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}
