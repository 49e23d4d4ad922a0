/** Mail flow policies: what a client that the host access table knows may do (R124 to R127). */
import { parseDomain } from '@mailyard/mail';
import { type AccessFault, accessFault } from './access-fault.ts';

export const CONNECTION_ACTIONS = ['ACCEPT', 'RELAY', 'REJECT', 'TCPREFUSE', 'CONTINUE'] as const;

/**
 * ACCEPT: mail for whom the recipient access table names. RELAY: mail for anyone. REJECT: an SMTP reply and no more.
 * TCPREFUSE: a reset without a banner. CONTINUE: as if the row were not there (R124).
 */
export type ConnectionAction = (typeof CONNECTION_ACTIONS)[number];

/** Parameters as AsyncOS calls them and as they are written (R126): `{ max_msgs_per_session: '10' }`. */
export type FlowParameters = Readonly<Record<string, string>>;

/** A mail flow policy as it is written in the configuration. */
export interface MailFlowPolicy {
  /** The listener that it is for; '' = for each that has no policy of this name of its own. */
  readonly listener: string;
  /** Without the `$` that stands before it in rows and in text. */
  readonly name: string;
  readonly action: ConnectionAction;
  readonly parameters: FlowParameters;
}

/** What parameters come to. What is absent is as the listener's settings have it. */
export interface FlowLimits {
  readonly maxMessages?: number;
  readonly maxRecipients?: number;
  readonly maxMessageOctets?: number;
  /** Connections of one client address at once. */
  readonly maxConcurrency?: number;
  readonly maxRecipientsPerHour?: number;
  /** What RCPT is answered with beyond it. */
  readonly hourlyReply?: { readonly code?: number; readonly text?: string };
  /** Code of the greeting, or of the refusal where the action is REJECT. */
  readonly bannerCode?: number;
  readonly bannerText?: string;
  /** In the greeting instead of the gateway's own name; '' = none. */
  readonly hostname?: string;
  readonly tls?: 'off' | 'on' | 'required';
  /** Outgoing mail is signed by the profiles of its author (DKIM); absent: it is. */
  readonly dkimSigning?: boolean;
  /** REJECT answers at RCPT, when sender and recipient are known (R125). */
  readonly delayedRejection?: boolean;
  /** What is done with mail with the null sender whose recipient has no good tag (R140); else it is taken. */
  readonly untaggedBounces?: 'accept' | 'mark' | 'refuse';
}

type Reader = (value: string, action: ConnectionAction) => FlowLimits | undefined;

/** Reads a number from `least` up; -1 is no limit of the policy's own, as AsyncOS writes it. */
const count =
  (name: 'maxMessages' | 'maxRecipients' | 'maxConcurrency' | 'maxRecipientsPerHour', least: number): Reader =>
  (value) => {
    if (value === '-1') return {};
    const number = /^\d{1,9}$/.test(value) ? Number(value) : -1;
    return number < least ? undefined : { [name]: number };
  };

const LINE = /^[\x20-\x7e]{0,400}$/;
const SCALE: Readonly<Record<string, number>> = { '': 1, K: 1024, M: 1024 ** 2, G: 1024 ** 3 };

/** The parameters that are kept to, in the order in which they are printed. */
const ENFORCED: ReadonlyMap<string, { readonly takes: string; readonly read: Reader }> = new Map([
  ['max_msgs_per_session', { takes: 'a number from 1, or -1', read: count('maxMessages', 1) }],
  ['max_rcpts_per_msg', { takes: 'a number from 1, or -1', read: count('maxRecipients', 1) }],
  ['max_message_size', { takes: 'octets, or a number with K, M or G behind it', read: readSize }],
  ['max_concurrency', { takes: 'a number from 1, or -1', read: count('maxConcurrency', 1) }],
  ['max_rcpts_per_hour', { takes: 'a number from 0, or -1', read: count('maxRecipientsPerHour', 0) }],
  [
    'max_rcpts_per_hour_code',
    {
      takes: 'a code from 400 to 599 (a 421 would end the connection and is not taken)',
      read: (value) => (isRefusal(value) && value !== '421' ? { hourlyReply: { code: Number(value) } } : undefined),
    },
  ],
  [
    'max_rcpts_per_hour_text',
    { takes: 'one line of US-ASCII', read: (text) => (LINE.test(text) ? { hourlyReply: { text } } : undefined) },
  ],
  [
    'smtp_banner_code',
    {
      takes: '220 where mail is taken, 400 to 599 where it is rejected',
      read: (value, action) =>
        (isRejecting(action) ? isRefusal(value) : value === '220') ? { bannerCode: Number(value) } : undefined,
    },
  ],
  [
    'smtp_banner_text',
    { takes: 'one line of US-ASCII', read: (text) => (LINE.test(text) ? { bannerText: text } : undefined) },
  ],
  [
    'override_hostname',
    {
      takes: 'a host name, or nothing',
      read: (value) => (value === '' || parseDomain(value) !== undefined ? { hostname: value } : undefined),
    },
  ],
  [
    'tls',
    {
      takes: 'off, on or required',
      read: (value) => (value === 'off' || value === 'on' || value === 'required' ? { tls: value } : undefined),
    },
  ],
  [
    'delayed_rejection',
    {
      takes: 'on or off',
      read: (value) => (value === 'on' || value === 'off' ? { delayedRejection: value === 'on' } : undefined),
    },
  ],
  [
    'untagged_bounces',
    {
      takes: 'accept, mark or refuse',
      read: (value) =>
        value === 'accept' || value === 'mark' || value === 'refuse' ? { untaggedBounces: value } : undefined,
    },
  ],
  [
    'dkim_signing',
    {
      takes: 'on or off',
      // Until it was acted upon any value was taken; yes and no are what exported files may have.
      read: (value) => (/^(?:on|yes|off|no)$/i.test(value) ? { dkimSigning: /^(?:on|yes)$/i.test(value) } : undefined),
    },
  ],
]);

/** Parameters of scanning, sender verification and authentication: kept as they are written, and not acted upon. */
const KEPT =
  /^(?:spam|virus|dhap|use_sb|sbrs|smtp_?auth|require_tls_smtpauth|d?kim|domainkeys|spf|dmarc|bounce|sender|envelope|exception|unresolvable|nx|malformed|amp|graymail|outbreak|ignore|content|signature|dane|significant)[a-z0-9_]*$/;

/** Whether a parameter is kept but not acted upon. */
export function isIdleParameter(name: string): boolean {
  return !ENFORCED.has(name) && KEPT.test(name);
}

/** Parameters in the order in which they are printed: those that are kept to first, the others by name. */
export function orderedParameters(parameters: FlowParameters): readonly (readonly [name: string, value: string])[] {
  const rank = [...ENFORCED.keys()];
  const place = (name: string): number => (ENFORCED.has(name) ? rank.indexOf(name) : rank.length);
  return Object.entries(parameters).sort(([a], [b]) => place(a) - place(b) || (a < b ? -1 : 1));
}

/**
 * Reads parameters.
 *
 * @param faults takes what is wrong, at `field`
 */
export function readFlowLimits(
  action: ConnectionAction,
  parameters: FlowParameters,
  field: string,
  faults: AccessFault[],
): FlowLimits {
  let limits: FlowLimits = {};
  for (const [name, value] of Object.entries(parameters)) {
    const parameter = ENFORCED.get(name);
    const complain = (token: string, message: string): void =>
      void faults.push(accessFault('FLOW_PARAMETER_INVALID', `${field}.${name}`, token, message));
    if (parameter === undefined) {
      if (!KEPT.test(name)) complain(name, 'is no parameter of a mail flow policy');
      else if (!LINE.test(value)) complain(value, `${name} takes one line of US-ASCII`);
      continue;
    }
    const read = parameter.read(value, action);
    if (read === undefined) complain(value, `${name} takes ${parameter.takes}`);
    else {
      const hourlyReply = { ...limits.hourlyReply, ...read.hourlyReply };
      limits = { ...limits, ...read, ...(Object.keys(hourlyReply).length === 0 ? {} : { hourlyReply }) };
    }
  }
  return limits;
}

function readSize(value: string): FlowLimits | undefined {
  const [, digits, unit] = /^(\d{1,12})\s?([KMG]?)B?$/i.exec(value) ?? [];
  if (digits === undefined) return undefined;
  const octets = Number(digits) * SCALE[unit!.toUpperCase()]!;
  return octets < 1 || !Number.isSafeInteger(octets) ? undefined : { maxMessageOctets: octets };
}

function isRefusal(value: string): boolean {
  return /^[45]\d\d$/.test(value);
}

function isRejecting(action: ConnectionAction): boolean {
  return action === 'REJECT' || action === 'TCPREFUSE';
}

const WIDE: FlowParameters = {
  max_msgs_per_session: '1000',
  max_rcpts_per_msg: '1000',
  max_message_size: '100M',
  max_concurrency: '1000',
};

/** The policies that are there without being written; one of the configuration with such a name takes its place (R127). */
export const PREDEFINED_POLICIES: readonly MailFlowPolicy[] = [
  {
    listener: '',
    name: 'TRUSTED',
    action: 'ACCEPT',
    parameters: { ...WIDE, max_rcpts_per_hour: '-1', spam_check: 'off' },
  },
  { listener: '', name: 'ACCEPTED', action: 'ACCEPT', parameters: WIDE },
  {
    listener: '',
    name: 'THROTTLED',
    action: 'ACCEPT',
    parameters: {
      max_msgs_per_session: '10',
      max_rcpts_per_msg: '20',
      max_message_size: '1M',
      max_concurrency: '10',
      max_rcpts_per_hour: '20',
    },
  },
  { listener: '', name: 'BLOCKED', action: 'REJECT', parameters: {} },
  { listener: '', name: 'RELAYED', action: 'RELAY', parameters: { max_rcpts_per_hour: '-1' } },
];
