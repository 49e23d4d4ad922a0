import { type EndRecipientsResponse, Ending, type MailScope } from '@mailyard/contracts/queue';
import type { QueueClient } from '@mailyard/grpc';
import { authorOf } from '../author.ts';
import { askFor, askWhether } from '../dialogue.ts';
import { EXIT } from '../io.ts';
import { Misuse, type ServerCall } from '../server-command.ts';

export const SCOPE_OPTIONS = {
  all: { type: 'boolean' },
  domain: { type: 'string' },
  destination: { type: 'string' },
  sender: { type: 'string' },
  recipient: { type: 'string' },
  message: { type: 'string' },
  rid: { type: 'string' },
} as const;

export interface ScopeValues {
  readonly all?: boolean;
  readonly domain?: string;
  readonly destination?: string;
  readonly sender?: string;
  readonly recipient?: string;
  readonly message?: string;
  readonly rid?: string;
}

export interface EndingValues extends ScopeValues {
  readonly reason?: string;
  readonly author?: string;
  readonly 'dry-run'?: boolean;
}

type Call = ServerCall<EndingValues>;

/** Which recipients are meant; undefined where no option says. @throws Misuse */
export function readScope(values: ScopeValues): MailScope | undefined {
  const { all, message, rid } = values;
  if (rid !== undefined && (message === undefined || !/^\d{1,5}$/.test(rid)))
    throw new Misuse('--rid takes the number of a recipient and goes with --message');
  const scopes: MailScope['scope'][] = [];
  if (all === true) scopes.push({ $case: 'all', value: true });
  for (const $case of ['domain', 'destination', 'recipient'] as const) {
    const value = values[$case];
    if (value !== undefined) scopes.push({ $case, value });
  }
  if (values.sender !== undefined) scopes.push({ $case: 'sender', value: values.sender.replace(/^<(.*)>$/, '$1') });
  if (message !== undefined) {
    const recipient = rid === undefined ? {} : { recipient: Number(rid) };
    scopes.push({ $case: 'message', value: { id: message, ...recipient } });
  }
  if (scopes.length > 1) throw new Misuse('one of --all, --domain, --destination, --sender, --recipient, --message');
  return scopes.length === 0 ? undefined : { scope: scopes[0] };
}

/** `queue remove`: ends recipients without a report. */
export function remove(call: Call, client: QueueClient): Promise<number> {
  return end(call, client, Ending.ENDING_REMOVE, { verb: 'Remove', done: 'removed' });
}

/** `queue bounce`: ends them with a report to the sender. */
export function bounce(call: Call, client: QueueClient): Promise<number> {
  return end(call, client, Ending.ENDING_BOUNCE, { verb: 'Bounce', done: 'bounced' });
}

async function end(
  { words, values, io, isJson, print, say }: Call,
  client: QueueClient,
  ending: Ending,
  { verb, done }: { readonly verb: string; readonly done: string },
): Promise<number> {
  const scope = readScope(values);
  if (scope === undefined)
    throw new Misuse('say which: --all, --domain, --destination, --sender, --recipient or --message');
  const isAgreed = words.length === 2 && words[1] === 'yes';
  const isDry = values['dry-run'] === true;
  if (isAgreed && !isDry && values.reason === undefined) throw new Misuse('say why: --reason TEXT');
  const request = { scope, ending, author: authorOf(values.author, io.env), pageToken: '', local: false };
  const tell = (part: Total, isDryRun: boolean, word: string): void => {
    print({ ...part, isDryRun }, `${recipients(part.recipients)} ${word}\n`);
    if (part.leftAlone > 0) say(`${recipients(part.leftAlone)} left alone: being sent, or ended meanwhile`);
    if (part.silentOwners.length > 0)
      say(`no answer to the end from ${part.silentOwners.join(', ')}: run it again for the mail there`);
    if (part.unownedPartitions.length > 0)
      say(`nobody owns partition ${part.unownedPartitions.join(', ')} now: run it again for the mail there`);
  };
  const statusOf = ({ silentOwners, unownedPartitions }: Total): number =>
    silentOwners.length + unownedPartitions.length === 0 ? EXIT.done : EXIT.refused;
  if (isDry || !isAgreed) {
    const counted = await total((pageToken) =>
      client.endRecipients({ ...request, reason: '', dryRun: true, pageToken }),
    );
    if (isDry || counted.recipients === 0) {
      tell(counted, isDry, isDry ? `would be ${done}` : done);
      return statusOf(counted);
    }
    if (!isJson) say(`${recipients(counted.recipients)} would be ${done}`);
    if (!(await askWhether(io, `${verb} ${counted.recipients === 1 ? 'it' : 'them'}?`))) {
      say('nothing was changed');
      return EXIT.refused;
    }
  }
  const reason = values.reason ?? (await askFor(io, 'Why? It is recorded with each recipient.'));
  if (reason === undefined || reason === '') throw new Misuse('say why: --reason TEXT');
  const ended = await total(
    (pageToken) => client.endRecipients({ ...request, reason, dryRun: false, pageToken }),
    (sofar) => say(`${recipients(sofar)} ${done} before it broke off: run it again for the rest`),
  );
  tell(ended, false, done);
  return statusOf(ended);
}

type Total = Pick<EndRecipientsResponse, 'recipients' | 'leftAlone' | 'silentOwners' | 'unownedPartitions'>;

/**
 * Part after part, to the end. What was done when this is ended in the middle stays done.
 *
 * @param broken told how many recipients were dealt with, when a part is refused or not answered
 * @throws CallRefusal of that part
 */
export async function total(
  part: (pageToken: string) => Promise<EndRecipientsResponse>,
  broken: (recipients: number) => void = () => undefined,
): Promise<Total> {
  const sum = { recipients: 0, leftAlone: 0 };
  const silent = new Set<string>();
  for (let pageToken = ''; ; ) {
    const answer = await part(pageToken).catch((error: unknown) => {
      if (sum.recipients > 0) broken(sum.recipients);
      throw error;
    });
    sum.recipients += answer.recipients;
    sum.leftAlone += answer.leftAlone;
    for (const owner of answer.silentOwners) silent.add(owner);
    pageToken = answer.nextPageToken;
    if (pageToken === '') return { ...sum, silentOwners: [...silent], unownedPartitions: answer.unownedPartitions };
  }
}

function recipients(count: number): string {
  return `${count} ${count === 1 ? 'recipient' : 'recipients'}`;
}
