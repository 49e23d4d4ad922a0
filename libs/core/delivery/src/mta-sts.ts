/**
 * MTA-STS (R144; RFC 8461): how a recipient domain says over HTTPS which MX hosts are its own and that they have
 * certificates that hold, and what follows for a session with one of them. When a policy is fetched and how long it is
 * kept is in `mta-sts-keeping.ts`.
 */
import { parseDomain } from '@mailyard/mail';
import { demandsTls, type TlsUse } from './tls-use.ts';

/**
 * `enforce`: what a policy says is done. `testing`: every policy is taken as if its domain were only testing it: what is
 * wrong is told, and nothing is kept back for it.
 */
export type MtaStsUse = 'none' | 'testing' | 'enforce';

/** What a domain says (RFC 8461 §3.2). */
export interface MtaStsPolicy {
  readonly mode: 'enforce' | 'testing' | 'none';
  /** Patterns of host names as they are compared: `mx.example.com`, `*.example.com`. */
  readonly mx: readonly string[];
  readonly maxAgeSeconds: number;
}

/** What TXT records say: which policy there is, or why there is none. */
export type MtaStsRecord = { readonly id: string } | { readonly problem: string };

/** A year: what a policy may ask for at most (RFC 8461 §3.2). */
const MAX_AGE_SECONDS = 31_557_600;
const VERSION = /^v=STSv1[ \t]*;/;
const ID = /^[A-Za-z0-9]{1,32}$/;
const RECORD_FIELD = /^[A-Za-z0-9][A-Za-z0-9_.-]{0,31}=[\x21-\x3a\x3c\x3e-\x7e]+$/;
const POLICY_FIELD = /^([A-Za-z0-9][A-Za-z0-9_.-]{0,31}):(.*)$/;

/**
 * Reads the TXT records of `_mta-sts.<domain>`, the strings of each joined. Those that are about something else do not
 * count; of two that count neither does (RFC 8461 §3.1).
 */
export function readMtaStsRecord(texts: readonly string[]): MtaStsRecord {
  const [record, ...others] = texts.filter((text) => VERSION.test(text));
  if (record === undefined) return { problem: 'none of its TXT records is one of MTA-STS' };
  if (others.length > 0) return { problem: 'it has more than one TXT record of MTA-STS' };
  const fields = record.split(';').map(withoutBlanks);
  // A semicolon may end the last one.
  if (fields.at(-1) === '') fields.pop();
  if (!fields.slice(1).every((field) => RECORD_FIELD.test(field))) return { problem: 'its TXT record is malformed' };
  const id = fields.find((field) => field.startsWith('id='))?.slice('id='.length);
  return id !== undefined && ID.test(id) ? { id } : { problem: 'its TXT record has no id' };
}

/**
 * Reads a policy. Unknown fields are passed over; of a field that is there twice the first counts, but for `mx`
 * (RFC 8461 §3.2). Stricter than it must be in nothing: blank lines and capitals in host names are taken.
 */
export function readMtaStsPolicy(text: string): MtaStsPolicy | { readonly problem: string } {
  const said = new Map<string, string>();
  const mx = new Set<string>();
  for (const line of text.split(/\r?\n/)) {
    if (/^[ \t]*$/.test(line)) continue;
    const [, name, value] = POLICY_FIELD.exec(line) ?? [];
    if (name === undefined || value === undefined) return { problem: 'a line of it is no field' };
    if (name !== 'mx') {
      if (!said.has(name)) said.set(name, withoutBlanks(value));
      continue;
    }
    const pattern = readPattern(withoutBlanks(value));
    if (pattern === undefined) return { problem: 'an mx of it is no host name' };
    mx.add(pattern);
  }
  if (said.get('version') !== 'STSv1') return { problem: 'its version is not STSv1' };
  const mode = said.get('mode');
  if (mode !== 'enforce' && mode !== 'testing' && mode !== 'none') return { problem: 'it has no mode' };
  const maxAge = said.get('max_age') ?? '';
  if (!/^\d{1,10}$/.test(maxAge)) return { problem: 'it has no max_age' };
  if (mx.size === 0 && mode !== 'none') return { problem: 'it names no mx' };
  return { mode, mx: [...mx], maxAgeSeconds: Math.min(Number(maxAge), MAX_AGE_SECONDS) };
}

/**
 * What stands between the blanks at both ends. No pattern: of a text that a stranger has filled with blanks it would look
 * at each as the first of the last ones, and a policy may have 64 KiB of them.
 */
function withoutBlanks(text: string): string {
  const isBlank = (at: number): boolean => text[at] === ' ' || text[at] === '\t';
  let [start, end] = [0, text.length];
  while (start < end && isBlank(start)) start++;
  while (end > start && isBlank(end - 1)) end--;
  return text.slice(start, end);
}

function readPattern(value: string): string | undefined {
  const isWildcard = value.startsWith('*.');
  const name = parseDomain(isWildcard ? value.slice('*.'.length) : value);
  return name === undefined ? undefined : `${isWildcard ? '*.' : ''}${name}`;
}

/** Whether a host is one of those that a policy names; a wildcard stands for one whole first label (RFC 8461 §4.1). */
export function isMxOf({ mx }: Pick<MtaStsPolicy, 'mx'>, host: string): boolean {
  const dot = host.indexOf('.');
  return mx.includes(host) || (dot > 0 && mx.includes(`*${host.slice(dot)}`));
}

/** A session that is about to be opened, and what a policy has to say of it. */
export interface MtaStsJudging {
  readonly use: Exclude<MtaStsUse, 'none'>;
  readonly policy: MtaStsPolicy;
  /** As the MX records name it. */
  readonly host: string;
  /** What else is asked of the session. */
  readonly tls: TlsUse;
  /** It is verified by TLSA records, over which a policy has no say (RFC 8461 §2). */
  readonly isDane: boolean;
  /** DNSSEC vouches for the MX records that named the host. */
  readonly isMxVouched: boolean;
}

/**
 * What a session with a host is to be like, or why there may be none. `mtaSts`: its certificate is judged for the host's
 * own name; with `testing` that is only told. `fault`: what is wrong already, and only told.
 */
export type MtaStsPlan =
  | {
      readonly kind: 'session';
      readonly tls: TlsUse;
      readonly mtaSts?: Exclude<MtaStsUse, 'none'>;
      readonly fault?: string;
    }
  | { readonly kind: 'refused'; readonly reason: string };

/**
 * What follows from a policy for a session with a host (RFC 8461 §4, §5).
 *
 * Where TLSA records verify the host, they do so alone if DNSSEC vouches for the MX records too. If it does not, anybody
 * may have named a host with TLSA records of its own: the policy still says which hosts are the domain's.
 */
export function planMtaSts({ use, policy, host, tls, isDane, isMxVouched }: MtaStsJudging): MtaStsPlan {
  const mode = use === 'testing' && policy.mode === 'enforce' ? 'testing' : policy.mode;
  const isNamed = isMxOf(policy, host);
  if (mode === 'none' || (isDane && (isNamed || isMxVouched))) return { kind: 'session', tls };
  const fault = isNamed ? undefined : `${host} is none of its hosts (${shownPatterns(policy)})`;
  if (mode === 'enforce') {
    if (fault !== undefined) return { kind: 'refused', reason: fault };
    return { kind: 'session', tls: demandsTls(tls) ? tls : 'required', mtaSts: mode };
  }
  return {
    kind: 'session',
    tls: tls === 'none' ? 'preferred' : tls,
    ...(isDane ? {} : { mtaSts: mode }),
    ...(fault === undefined ? {} : { fault }),
  };
}

const SHOWN_PATTERNS = 5;

/** The hosts that a policy names, for operators. */
export function shownPatterns({ mx }: Pick<MtaStsPolicy, 'mx'>): string {
  const more = mx.length - SHOWN_PATTERNS;
  return `${mx.slice(0, SHOWN_PATTERNS).join(', ')}${more > 0 ? `, ${more} more` : ''}`;
}
