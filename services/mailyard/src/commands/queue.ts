import { QueueClient } from '@mailyard/grpc';
import { type Command, EXIT } from '../io.ts';
import {
  resume,
  suspend,
  suspensionJson,
  suspensionsOf,
  suspensionText,
  type SuspensionValues,
} from './queue-suspensions.ts';
import { bounce, readScope, remove, SCOPE_OPTIONS } from './queue-endings.ts';
import { type MessageValues, oldest, show } from './queue-messages.ts';
import { recipientJson, recipientsText, statusJson, statusText } from '../queue-text.ts';
import { demandOnly, Misuse, runServerCommand, type ServerCall } from '../server-command.ts';
import { wantsColour } from '../table-text.ts';

const USAGE = `usage: mailyard queue status [--destinations N]
       mailyard queue list [SCOPE] [--limit N]
       mailyard queue show ID [--content]
       mailyard queue oldest [--domain DOMAIN | --destination TEXT] [--limit N]
       mailyard queue retry --all | --domain DOMAIN | --destination TEXT
       mailyard queue remove SCOPE [--reason TEXT] [--dry-run] [yes]
       mailyard queue bounce SCOPE [--reason TEXT] [--dry-run] [yes]
       mailyard queue suspend delivery --all | --domain DOMAIN | --destination TEXT [--until TIME] [--reason TEXT]
       mailyard queue suspend receiving --all | --listener NAME [--until TIME] [--reason TEXT]
       mailyard queue resume delivery|receiving, with the same option

  status   what became of all recipients, and the destinations with most mail (20, or N)
  list     recipients that wait (the first 1,000, or N; 0 is all)
  show     a message that waits, by message id or MID: envelope, recipients and what came of the last try, header; with
           --content the whole message as a host would get it. Header and content are for operators
  oldest   the message that has waited longest, or the N that have
  retry    try this mail now; hosts that are down are tried too
  remove   take recipients off the queue; nobody is told
  bounce   the same, with a report to the sender
  suspend  nothing new begins there; mail waits, or is put off with 452. --until 90m, 8h, 2d or 2026-11-25T08:00Z
  resume   takes a suspension back

  remove and bounce count first, ask unless yes stands behind, and leave alone what is being sent. SCOPE is one of

  --all                     all recipients that wait
  --domain DOMAIN           those of a domain
  --destination TEXT        those behind a destination, as status names it
  --sender ADDRESS          those of messages from ADDRESS; <> is the null reverse-path
  --recipient ADDRESS       those with this address
  --message ID [--rid N]    those of a message id or a MID; with --rid one of them

  --reason TEXT             why, recorded with each recipient
  --dry-run                 only count
`;

const OPTIONS = {
  ...SCOPE_OPTIONS,
  reason: { type: 'string' },
  author: { type: 'string' },
  'dry-run': { type: 'boolean' },
  listener: { type: 'string' },
  until: { type: 'string' },
  limit: { type: 'string' },
  destinations: { type: 'string' },
  content: { type: 'boolean' },
} as const;

type Call = ServerCall<SuspensionValues & MessageValues & { readonly destinations?: string }>;

const LISTED = 1_000;
const PAGE_SIZE = 500;
const MOST_DESTINATIONS = 1_000;

/** `mailyard queue`: what waits, and trying it now. */
export const run: Command = (args, io) =>
  runServerCommand('queue', USAGE, OPTIONS, args, io, async (call) => {
    const [verb, ...rest] = call.words;
    if (verb === undefined) throw new Misuse(`say what: ${VERB_WORDS}`);
    const known = VERBS.get(verb);
    if (known === undefined) throw new Misuse(`there is no queue ${JSON.stringify(verb)}: ${VERB_WORDS}`);
    const { work, options, words } = known;
    demandOnly(verb, call.values, options);
    const isAgreed = words === 'yes' && rest.length === 1 && rest[0] === 'yes';
    if (words !== 'own' && rest.length > 0 && !isAgreed)
      throw new Misuse(`${verb} takes no word ${JSON.stringify(rest.at(-1))}`);
    const client = new QueueClient(call.target);
    try {
      return await work(call, client);
    } finally {
      client.close();
    }
  });

/** What stands behind a verb: the options that it looks at, and whether it reads words itself, may be told yes, or neither. */
interface Verb {
  readonly work: (call: Call, client: QueueClient) => Promise<number>;
  readonly options: readonly string[];
  readonly words?: 'own' | 'yes';
}

const SCOPES = Object.keys(SCOPE_OPTIONS);
const ENDING = [...SCOPES, 'reason', 'author', 'dry-run'];
const NAMED = ['all', 'domain', 'destination', 'listener', 'reason', 'author'];
const VERBS: ReadonlyMap<string, Verb> = new Map<string, Verb>([
  ['status', { work: status, options: ['destinations'] }],
  ['list', { work: list, options: [...SCOPES, 'limit'] }],
  ['show', { work: show, options: ['content'], words: 'own' }],
  ['oldest', { work: oldest, options: ['domain', 'destination', 'limit'] }],
  ['retry', { work: retry, options: ['all', 'domain', 'destination'] }],
  ['remove', { work: remove, options: ENDING, words: 'yes' }],
  ['bounce', { work: bounce, options: ENDING, words: 'yes' }],
  ['suspend', { work: suspend, options: [...NAMED, 'until'], words: 'own' }],
  ['resume', { work: resume, options: NAMED, words: 'own' }],
]);
const VERB_WORDS = `${[...VERBS.keys()].slice(0, -1).join(', ')} or ${[...VERBS.keys()].at(-1)}`;

async function status(
  { client: administration, values, isJson, io, print, say }: Call,
  client: QueueClient,
): Promise<number> {
  const shown = readCount('destinations', values.destinations) ?? (isJson ? MOST_DESTINATIONS : 0);
  const answer = await client.status({ destinations: shown, local: false });
  const suspensions = await suspensionsOf(administration);
  print(
    { ...statusJson(answer), suspensions: suspensions.map(suspensionJson) },
    `${suspensions.map((one) => `${suspensionText(one)}\n`).join('')}${statusText(answer, wantsColour(io))}`,
  );
  tellSilent(answer.silentOwners, say);
  if (answer.unownedPartitions.length > 0)
    say(`nobody owns partition ${answer.unownedPartitions.join(', ')}: what waits there is not among the destinations`);
  if (answer.ledger !== undefined) return EXIT.done;
  say('the tracker is away: what became of mail is not known now');
  return EXIT.refused;
}

async function list({ values, io, print, say }: Call, client: QueueClient): Promise<number> {
  const limit = readCount('limit', values.limit) ?? LISTED;
  const most = limit === 0 ? Infinity : limit;
  const scope = readScope(values);
  const recipients = [];
  const silent = new Set<string>();
  for (let pageToken = ''; recipients.length < most; ) {
    const pageSize = Math.min(PAGE_SIZE, most - recipients.length);
    const page = await client.listRecipients({
      scope,
      pageSize,
      pageToken,
      local: false,
    });
    recipients.push(...page.recipients);
    for (const owner of page.silentOwners) silent.add(owner);
    pageToken = page.nextPageToken;
    if (pageToken === '') break;
    if (recipients.length >= most) say(`more wait than the ${most} that are listed; see --limit`);
  }
  print(recipients.map(recipientJson), recipientsText(recipients, wantsColour(io)));
  tellSilent([...silent], say);
  return EXIT.done;
}

async function retry({ client: administration, values, print, say }: Call, client: QueueClient): Promise<number> {
  const { all, domain, destination } = values;
  if ([all, domain, destination].filter((one) => one !== undefined).length !== 1)
    throw new Misuse('retry takes one of --all, --domain, --destination');
  const answer = await client.retry({
    ...(domain === undefined ? {} : { domain }),
    ...(destination === undefined ? {} : { destination }),
    local: false,
  });
  const { recipients, silentOwners } = answer;
  print(
    { recipients, silentOwners },
    `${recipients} ${recipients === 1 ? 'recipient is' : 'recipients are'} due now\n`,
  );
  for (const one of await suspensionsOf(administration)) if (one.part === 'delivery') say(suspensionText(one));
  tellSilent(silentOwners, say);
  return silentOwners.length === 0 ? EXIT.done : EXIT.refused;
}

function readCount(option: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  if (!/^\d{1,9}$/.test(text))
    throw new Misuse(`--${option} takes a number of at most 9 digits, not ${JSON.stringify(text)}`);
  return Number(text);
}

function tellSilent(owners: readonly string[], say: (text: string) => void): void {
  if (owners.length > 0) say(`no answer from ${owners.join(', ')}: the mail that waits there is left out`);
}
