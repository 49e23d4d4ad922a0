import { eventJson } from '@mailyard/contracts';
import { QueueClient } from '@mailyard/grpc';
import { type Command, EXIT } from '../io.ts';
import { Misuse, runServerCommand } from '../server-command.ts';
import { traceText } from '../trace-text.ts';

const USAGE = `usage: mailyard trace [--limit N] MESSAGE-ID | MID | RECIPIENT | SENDER

Every event of the messages that the word names, in order, with times, hosts, replies, route and version: by the message
id of the 250, the MID of a copy, the header's Message-ID, a recipient or a sender. The newest 20 messages, or N.
`;

/** Messages that a gateway tells of at once. */
const MOST = 1_000;

const OPTIONS = { limit: { type: 'string' } } as const;

/** `mailyard trace`: what happened to a message or to the mail of somebody. */
export const run: Command = (args, io) =>
  runServerCommand('trace', USAGE, OPTIONS, args, io, async ({ target, words, values, print, say }) => {
    const [key, ...rest] = words;
    if (key === undefined || key === '') throw new Misuse('say what: a message id, a MID, a Message-ID or an address');
    if (rest.length > 0) throw new Misuse('one at a time');
    const { limit = '0' } = values;
    if (!/^\d{1,4}$/.test(limit) || Number(limit) > MOST)
      throw new Misuse(`--limit takes a number up to ${MOST}, not ${JSON.stringify(limit)}`);
    const client = new QueueClient(target);
    try {
      const { events, more, notes } = await client.trace({ key, limit: Number(limit) });
      print(events.map(eventJson), traceText(events));
      if (more) say('more messages match than are shown; see --limit');
      // What is not known may be why something is missing.
      for (const note of notes) say(note);
      if (events.length > 0) return EXIT.done;
      say(`nothing is known of ${JSON.stringify(key)}`);
      return EXIT.refused;
    } finally {
      client.close();
    }
  });
