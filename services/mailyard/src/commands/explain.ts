import { type EnvelopeJudgement, faultText, judgeEnvelope, type RecipientVerdict } from '@mailyard/access';
import { readAccess } from '@mailyard/grpc';
import { type Mailbox, parseIpAddress, parseMailbox } from '@mailyard/mail';
import { limitTexts, readHostName } from '../client-text.ts';
import { type Command, EXIT } from '../io.ts';
import { alignColumns, explainText } from '../route-text.ts';
import { demandOnly, Misuse, runServerCommand, type ServerCall } from '../server-command.ts';

const USAGE = `usage: mailyard explain --client ADDRESS [--from SENDER] RECIPIENT...
       mailyard explain --policies ADDRESS

  What would become of a message: whether its client is let in and may relay, who of the recipients is taken and by which
  entry, into which copies the mail policies split it, and by which route each goes where. Nothing is sent. Limits that
  count what came before are not asked.

  --client ADDRESS       of the client, IPv4 or IPv6
  --name HOST            a name of the client that was verified to be its own; may be said again
  --listener NAME        the listener it comes to; else one without a table of its own
  --authenticated        it has authenticated
  --from SENDER          envelope sender; none, or <>, is the null sender
  --header-from ADDRESS  an author in From or Reply-To, whom mail policies ask after the sender; may be said again
  --policies ADDRESS     nothing but the mail policies that mail from or to the address may fall under
`;

const OPTIONS = {
  client: { type: 'string' },
  name: { type: 'string', multiple: true },
  listener: { type: 'string' },
  authenticated: { type: 'boolean' },
  from: { type: 'string' },
  'header-from': { type: 'string', multiple: true },
  policies: { type: 'string' },
} as const;

interface Values {
  readonly client?: string;
  readonly name?: readonly string[];
  readonly listener?: string;
  readonly authenticated?: boolean;
  readonly from?: string;
  readonly 'header-from'?: readonly string[];
  readonly policies?: string;
}

/** `mailyard explain`: the path of a message through all tables, as AsyncOS's `trace` tells it (R97, R117). */
export const run: Command = (args, io) =>
  runServerCommand('explain', USAGE, OPTIONS, args, io, (call) =>
    call.values.policies === undefined ? explain(call) : findPolicies(call, call.values.policies),
  );

async function explain({ client, words, values, print, say }: ServerCall<Values>): Promise<number> {
  if (words.length === 0) throw new Misuse('say who the recipients are');
  const address = parseIpAddress(values.client ?? '');
  if (address === undefined) throw new Misuse('--client takes an IP address');
  const recipients = words.map(mailbox);
  const listener = values.listener ?? '';
  const names = (values.name ?? []).map(readHostName);
  const tables = readAccess(await client.getAccess());
  if (listener !== '' && !tables.hosts.has(listener))
    say(
      `there is no row for listener ${listener}: if there is such a listener, the rows for each listener count for it`,
    );
  const judged = judgeEnvelope(tables, {
    listener,
    client: address,
    names,
    isAuthenticated: values.authenticated === true,
    reversePath: values.from === undefined || values.from === '<>' ? null : mailbox(values.from),
    authors: (values['header-from'] ?? []).map(mailbox),
    recipients,
  });
  const table = { $case: 'version', value: tables.version } as const;
  const routeOf = async ({ address: recipient }: Mailbox) =>
    explainText(recipient, { ...(await client.explain({ recipient, table })), rewriting: undefined });
  const routes = await Promise.all(
    recipients.map(async (recipient, place) => {
      const isRefused = judged.recipients[place]!.action === 'REJECT';
      return isRefused ? [] : Promise.all(targetsOf(recipient, judged.rewritten[place]).map(routeOf));
    }),
  );
  const policyOf = (place: number): string | undefined => {
    const names = judged.splinters.filter((splinter) => splinter.recipients.includes(place));
    return names.length === 0 ? undefined : names.map(({ policy }) => policy.name).join(', ');
  };
  const json = {
    version: tables.version,
    client: { address, ...judged.client, relays: judged.relays },
    ...(judged.gateway === undefined ? {} : { gateway: judged.gateway }),
    recipients: recipients.map((recipient, place) => ({
      recipient: recipient.address,
      ...judged.recipients[place]!,
      ...becomesJson(judged, place),
      ...(routes[place]?.[0] === undefined ? {} : { policy: policyOf(place), route: routes[place][0].json }),
      ...(judged.rewritten[place] === undefined ? {} : { routes: routes[place]!.map(({ json }) => json) }),
    })),
    copies: judged.splinters.map(({ policy, recipients: places }) => ({
      policy: policy.name,
      actions: policy.actions,
      recipients: places.map((place) => recipients[place]!.address),
    })),
  };
  const lines = [
    clientText(address, judged),
    ...recipients.map((recipient, place) => verdictText(recipient, place, judged, policyOf(place))),
    '',
  ];
  print(json, lines.join('\n') + routes.flatMap((own) => own.map(({ text }) => `\n${text}`)).join(''));
  if (names.length === 0 && tables.hosts.of(listener).asksForNames(address))
    say('rows with host names stand above: say --name HOST to explain with a name of the client');
  return EXIT.done;
}

/** Which policies an address could fall under (R117). */
async function findPolicies({ client, words, values, print }: ServerCall<Values>, text: string): Promise<number> {
  demandOnly('--policies', values, ['policies']);
  if (words.length > 0) throw new Misuse('--policies takes one address and nothing else');
  const address = mailbox(text);
  const { version, policies, outgoing } = readAccess(await client.getAccess());
  const found = [['incoming', policies] as const, ['outgoing', outgoing] as const].map(([direction, table]) => {
    const { asSender, asRecipient } = table.naming(address);
    const namesOf = (places: readonly number[]): string[] => places.map((place) => table.policies[place]!.name);
    return { direction, asSender: namesOf(asSender), asRecipient: namesOf(asRecipient) };
  });
  const rows = found.flatMap(({ direction, asSender, asRecipient }) => [
    [`${direction},`, 'from it', asSender.join(', ')],
    [`${direction},`, 'to it', asRecipient.join(', ')],
  ]);
  print({ version, address: address.address, policies: found }, `${alignColumns(rows).join('\n')}\n`);
  return EXIT.done;
}

function clientText(address: string, { client, relays, gateway, splinters }: EnvelopeJudgement): string {
  const { action, group, source, policy } = client;
  const row = `row ${source}${group === 'None' ? '' : ` of ${group}`}${policy === '' ? '' : `, policy ${policy}`}`;
  const facts = [
    ['client', `${address}: ${action}, ${row}`],
    [
      'relays',
      relays ? 'yes: anyone may be written to, outgoing policies' : 'no: recipient access table, incoming policies',
    ],
    ...limitTexts(client.limits).map((text) => ['limit', text]),
    ...(gateway === undefined ? [] : [['gateway', gateway]]),
    ['copies', String(splinters.length)],
  ];
  return alignColumns(facts).join('\n');
}

/** Routes are told of so many that an alias leads to. */
const TARGETS_TOLD = 20;

/** Whom the mail of a recipient who is taken is sent to. */
function targetsOf(recipient: Mailbox, rewritten: EnvelopeJudgement['rewritten'][number]): readonly Mailbox[] {
  if (rewritten === undefined) return [recipient];
  return 'fault' in rewritten ? [] : rewritten.recipients.slice(0, TARGETS_TOLD);
}

function becomesJson({ recipients, rewritten }: EnvelopeJudgement, place: number): object {
  const found = rewritten[place];
  if (found === undefined || recipients[place]!.action === 'REJECT') return {};
  if ('fault' in found) return { rewriting: { problem: faultText(found) } };
  const { mapped, alias, recipients: targets, discarded } = found;
  const addresses = (list: readonly Mailbox[]): string[] => list.map(({ address }) => address);
  return { rewriting: { mapped, alias, recipients: addresses(targets), discarded: addresses(discarded) } };
}

function becomesText(found: EnvelopeJudgement['rewritten'][number]): string {
  if (found === undefined || 'fault' in found) return '';
  const { mapped, alias, recipients, discarded } = found;
  const rows = [mapped === undefined ? '' : `domain map ${mapped}`, alias === undefined ? '' : `alias ${alias}`];
  const targets = [
    ...recipients.slice(0, TARGETS_TOLD).map(({ address }) => address),
    ...(recipients.length > TARGETS_TOLD ? [`${recipients.length - TARGETS_TOLD} more`] : []),
    ...discarded.map(({ address }) => `${address} (dropped)`),
  ];
  return `, becomes ${targets.join(', ')} (${rows.filter((row) => row !== '').join(', ')})`;
}

function verdictText(
  { address }: Mailbox,
  place: number,
  { client, recipients, rewritten }: EnvelopeJudgement,
  policy: string | undefined,
): string {
  const { matched, reply, action }: RecipientVerdict = recipients[place]!;
  const found = rewritten[place];
  if (action === 'ACCEPT' && found !== undefined && 'fault' in found)
    return `${address} is refused for now: its alias ${faultText(found)}`;
  const entry = matched === '' ? '' : ` by the entry ${matched}`;
  if (policy !== undefined) return `${address} is taken${entry}${becomesText(found)}, under the policy ${policy}`;
  if (reply !== undefined) return `${address} is refused: ${reply.code} ${reply.enhancedStatus ?? ''} ${reply.text}`;
  return `${address} is refused with its client (${client.action})`;
}

function mailbox(text: string): Mailbox {
  const read = parseMailbox(text);
  if (read === undefined) throw new Misuse(`${JSON.stringify(text)} is no address`);
  return read;
}
