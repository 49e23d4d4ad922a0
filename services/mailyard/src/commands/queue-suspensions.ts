import { type Suspension, suspensionKey } from '@mailyard/configuration';
import { changeSetWire, readSuspension, writeSuspension } from '@mailyard/contracts';
import { type AdministrationClient, CallRefusal } from '@mailyard/grpc';
import { parseAddressLiteral, parseDomain } from '@mailyard/mail';
import { printable } from '@mailyard/telemetry';
import { authorOf } from '../author.ts';
import { askFor } from '../dialogue.ts';
import { EXIT } from '../io.ts';
import { Misuse, type ServerCall } from '../server-command.ts';
import { isoTime, timeText } from '../table-text.ts';
import type { EndingValues } from './queue-endings.ts';

export interface SuspensionValues extends EndingValues {
  readonly listener?: string;
  readonly until?: string;
}

type Call = ServerCall<SuspensionValues>;
type Named = Pick<Suspension, 'part' | 'domain' | 'destination' | 'listener'>;

const UNITS: Readonly<Record<string, number>> = { m: 60_000, h: 3_600_000, d: 86_400_000 };

/** `queue suspend`: nothing new begins there until it is resumed, or ends by itself (R211). */
export async function suspend({ client, words, values, io, print, say }: Call): Promise<number> {
  const named = readNamed(words, values);
  const until = readUntil(values.until, Date.now());
  const reason = values.reason ?? (await askFor(io, 'Why? It is shown with the queue.'));
  if (reason === undefined || reason === '') throw new Misuse('say why: --reason TEXT');
  const author = authorOf(values.author, io.env);
  const suspension: Suspension = { ...named, ...(until === undefined ? {} : { until }), reason, author };
  const item: changeSetWire.Item = { item: { $case: 'suspension', value: writeSuspension(suspension) } };
  const { version, warnings } = await client.commit({
    ...{ id: '', expectedVersion: undefined, author, reason, confirmDiscardAll: false },
    operations: [{ operation: { $case: 'set', value: { item, expectation: 0 } } }],
  });
  print({ version, warnings, suspension: suspensionJson(suspension) }, `${suspensionText(suspension)}\n`);
  for (const warning of warnings) say(`warning: ${warning}`);
  say(`committed as version ${version}`);
  return EXIT.done;
}

/** `queue resume`: takes a suspension back. */
export async function resume({ client, words, values, io, print, say }: Call): Promise<number> {
  const key = suspensionKey({ ...readNamed(words, values), reason: '', author: '' });
  const { version } = await client.commit({
    ...{ id: '', expectedVersion: undefined, confirmDiscardAll: false },
    author: authorOf(values.author, io.env),
    reason: values.reason ?? `resume ${key}`,
    operations: [
      { operation: { $case: 'remove', value: { section: changeSetWire.Section.SECTION_SUSPENSIONS, key } } },
    ],
  });
  print({ version, resumed: key }, `resumed: ${key}\n`);
  say(`committed as version ${version}`);
  return EXIT.done;
}

/** What is suspended now; none where the server does not say. */
export async function suspensionsOf(client: AdministrationClient): Promise<readonly Suspension[]> {
  try {
    const { suspensions } = await client.getAccess();
    const now = Date.now();
    return suspensions
      .flatMap((value) => readSuspension(value) ?? [])
      .filter(({ until }) => until === undefined || until > now);
  } catch (error) {
    if (error instanceof CallRefusal) return [];
    throw error;
  }
}

export function suspensionJson({ until, ...rest }: Suspension): Record<string, unknown> {
  return { ...rest, ...(until === undefined ? {} : { until: isoTime(until) }) };
}

/** `suspended: delivery domain example.com until 2026-11-25 08:00:00Z, by ann: they move house`: one line, safe to print. */
export function suspensionText(suspension: Suspension): string {
  const { until, author, reason } = suspension;
  const end = until === undefined ? '' : ` until ${timeText(until)}`;
  return printable(`suspended: ${suspensionKey(suspension)}${end}, by ${author}: ${reason}`);
}

/** What the words and options name. @throws Misuse */
function readNamed([, part, ...rest]: readonly string[], values: SuspensionValues): Named {
  if ((part !== 'delivery' && part !== 'receiving') || rest.length > 0)
    throw new Misuse('say what rests: delivery or receiving');
  const { all, domain, destination, listener } = values;
  const said = [all === true ? 'all' : undefined, domain, destination, listener].filter((one) => one !== undefined);
  const isMixed = part === 'delivery' ? listener !== undefined : (domain ?? destination) !== undefined;
  if (said.length !== 1 || isMixed)
    throw new Misuse(
      part === 'delivery'
        ? 'delivery takes one of --all, --domain, --destination'
        : 'receiving takes --all or --listener NAME',
    );
  return {
    part,
    ...(domain === undefined ? {} : { domain: readDomain(domain) }),
    ...(destination === undefined ? {} : { destination }),
    ...(listener === undefined ? {} : { listener }),
  };
}

function readDomain(text: string): string {
  const domain = text.startsWith('[') ? parseAddressLiteral(text) : parseDomain(text);
  if (domain === undefined) throw new Misuse(`${JSON.stringify(text)} is no domain`);
  return domain;
}

/** `90m`, `8h`, `2d` from now, or a time with its zone. @throws Misuse */
function readUntil(text: string | undefined, now: number): number | undefined {
  if (text === undefined) return undefined;
  const [, count, unit] = /^(\d{1,5})([mhd])$/.exec(text) ?? [];
  const isTime = /^\d{4}-\d\d-\d\dT\d\d:\d\d(?::\d\d)?(?:Z|[+-]\d\d:\d\d)$/.test(text);
  const until = count === undefined ? (isTime ? Date.parse(text) : NaN) : now + Number(count) * UNITS[unit!]!;
  if (Number.isNaN(until)) throw new Misuse('--until takes 90m, 8h, 2d or a time such as 2026-11-25T08:00Z');
  if (until <= now) throw new Misuse(`--until ${text} is over`);
  return until;
}
