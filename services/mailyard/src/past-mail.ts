import type { changeSetWire } from '@mailyard/contracts';
import { PastCut, type PreviewPastResponse } from '@mailyard/contracts/tracking';
import { type GrpcTarget, QueueClient } from '@mailyard/grpc';
import { Misuse } from './options.ts';
import { isoTime } from './table-text.ts';

const SECONDS: Readonly<Record<string, number>> = { m: 60, h: 3_600, d: 86_400 };
const CHANGES_SHOWN = 20;
const CUTS: Readonly<Record<number, string>> = {
  [PastCut.PAST_CUT_LIMIT]: 'limit',
  [PastCut.PAST_CUT_TIME]: 'time',
  [PastCut.PAST_CUT_KEPT]: 'kept',
};
const CUT_TEXTS: Readonly<Record<string, string>> = {
  limit: 'what is older was not looked at: --past-limit says how many recipients are',
  time: 'what is older was not looked at: it took too long',
  kept: 'what is older is not known to tracking',
};

/** How far back, and how many recipients at the most. */
export interface PastRange {
  readonly seconds: number;
  readonly limit: number;
}

export interface PastOptions {
  readonly past?: string;
  readonly 'past-limit'?: string;
  readonly 'dry-run'?: boolean;
}

/** What `--past` and `--past-limit` say; undefined where nothing is said. @throws Misuse */
export function readPast(values: PastOptions): PastRange | undefined {
  const { past, 'past-limit': most } = values;
  if (past === undefined && most === undefined) return undefined;
  if (values['dry-run'] !== true) throw new Misuse('--past goes with --dry-run');
  const [, count, unit] = /^([1-9]\d{0,4})([mhd])$/.exec(past ?? '') ?? [];
  if (count === undefined) throw new Misuse('--past takes 30m, 24h or 7d');
  if (most !== undefined && !(/^[1-9]\d{0,6}$/.test(most) && Number(most) <= 1_000_000))
    throw new Misuse('--past-limit takes a number of recipients from 1 to 1000000');
  return { seconds: Number(count) * SECONDS[unit!]!, limit: Number(most ?? 0) };
}

/** Asks what operations would have done with the mail of the past. @throws CallRefusal */
export async function askPast(
  target: GrpcTarget,
  operations: changeSetWire.Operation[],
  range: PastRange,
): Promise<PreviewPastResponse> {
  const client = new QueueClient(target);
  try {
    return await client.previewPast({ operations, ...range });
  } finally {
    client.close();
  }
}

/** For JSON. */
export function plainPast({ cut, from, to, ...past }: PreviewPastResponse) {
  return { ...past, from: isoTime(from), to: isoTime(to), ...(CUTS[cut] === undefined ? {} : { cut: CUTS[cut] }) };
}

/** In lines. */
export function pastLines(past: PreviewPastResponse): string[] {
  const { recipients, moved, discarded, domains, changes } = past;
  const lines = [
    `${moved} of ${recipients} recipients accepted since ${isoTime(past.from)} would have gone elsewhere: ` +
      `${domains} ${domains === 1 ? 'domain' : 'domains'}, ${discarded} recipients dropped`,
  ];
  for (const { domain, from, to, rowBefore, rowAfter, examples, ...change } of changes.slice(0, CHANGES_SHOWN))
    lines.push(
      `  ${change.recipients} for ${domain} from ${from} (${rowBefore}) to ${to} (${rowAfter}), such as ${examples[0] ?? ''}`,
    );
  if (domains > CHANGES_SHOWN) lines.push(`  and ${domains - CHANGES_SHOWN} domains more`);
  const cut = CUTS[past.cut];
  if (cut !== undefined) lines.push(CUT_TEXTS[cut]!);
  return lines;
}
