/**
 * The destination controls as a file of AsyncOS's `destconfig` (R143): a section in brackets for each domain and for
 * `DEFAULT`, with `name = value` lines. All of a file or nothing; what has no counterpart here is told with its line.
 */
import { type AccessFault, accessFault, type ReadRows } from '@mailyard/access';
import type { DestinationControl } from './sections.ts';

type Mutable = { -readonly [K in keyof DestinationControl]: DestinationControl[K] };
type Setter = (control: Mutable, value: string) => boolean;

const TLS: readonly (readonly [use: NonNullable<DestinationControl['tls']>, ...words: string[]])[] = [
  ['none', 'off', '0'],
  ['preferred', 'on', '1'],
  ['required', 'required', 'require', '2'],
  ['preferredVerify', 'on_verify', '3'],
  ['requiredVerify', 'require_verify', '4'],
];
const IP: readonly (readonly [NonNullable<DestinationControl['ipPreference']>, string])[] = [
  ['preferV6', 'PREFER_V6'],
  ['requireV6', 'REQUIRE_v6'],
  ['preferV4', 'PREFER_V4'],
  ['requireV4', 'REQUIRE_v4'],
];

const number =
  (name: 'maxConnections' | 'maxMessagesPerConnection' | 'windowMinutes' | 'maxRecipients'): Setter =>
  (control, value) => {
    if (!/^\d{1,9}$/.test(value)) return false;
    // No limit: AsyncOS leaves it out, or writes 0.
    if (value !== '0') control[name] = Number(value);
    return true;
  };
const oneOf =
  (...words: readonly string[]): Setter =>
  (_control, value) =>
    words.includes(value.toLowerCase());

/** What each name takes, and what it sets. */
const NAMES: ReadonlyMap<string, { readonly takes: string; readonly set: Setter }> = new Map([
  [
    'ip_sort_pref',
    {
      takes: 'PREFER_V6, REQUIRE_v6, PREFER_V4 or REQUIRE_v4',
      set(control, value) {
        const found = IP.find(([, word]) => word.toLowerCase() === value.toLowerCase());
        if (found !== undefined) [control.ipPreference] = found;
        return found !== undefined;
      },
    },
  ],
  ['max_host_concurrency', { takes: 'a number', set: number('maxConnections') }],
  ['max_messages_per_connection', { takes: 'a number', set: number('maxMessagesPerConnection') }],
  ['recipient_minutes', { takes: 'a number', set: number('windowMinutes') }],
  ['recipient_limit', { takes: 'a number', set: number('maxRecipients') }],
  [
    'limit_type',
    { takes: 'host here: a limit is of a domain, not of each address of its hosts', set: oneOf('host', '0') },
  ],
  // It is of each virtual gateway here, and so of the whole system where there are none.
  ['limit_apply', { takes: 'system or VG', set: oneOf('system', 'vg', '0', '1') }],
  [
    'bounce_validation',
    {
      takes: 'on or off',
      set(control, value) {
        const isOn = oneOf('on', '1')(control, value);
        if (!isOn && !oneOf('off', '0')(control, value)) return false;
        control.bounceVerification = isOn;
        return true;
      },
    },
  ],
  [
    'table_tls',
    {
      takes: 'off, on, required, on_verify or require_verify',
      set(control, value) {
        const found = TLS.find(([, ...words]) => words.includes(value.toLowerCase()));
        if (found !== undefined) [control.tls] = found;
        return found !== undefined;
      },
    },
  ],
  [
    'bounce_profile',
    {
      takes: 'a name',
      set(control, value) {
        if (value.toLowerCase() !== 'default') control.bounceProfile = value;
        return true;
      },
    },
  ],
  // Said by the settings of the processes that deliver.
  ['send_tls_req_alert', { takes: '0 or 1', set: oneOf('0', '1', 'on', 'off') }],
  ['certificate', { takes: 'anything', set: () => true }],
  // Ours, which AsyncOS does not have in this file.
  [
    'dane',
    {
      takes: 'none, opportunistic or mandatory',
      set(control, value) {
        if (value !== 'none' && value !== 'opportunistic' && value !== 'mandatory') return false;
        control.dane = value;
        return true;
      },
    },
  ],
  [
    'mta_sts',
    {
      takes: 'none, testing or enforce',
      set(control, value) {
        if (value !== 'none' && value !== 'testing' && value !== 'enforce') return false;
        control.mtaSts = value;
        return true;
      },
    },
  ],
]);

/** Reads such a file, or tells every fault at once. A value that is left out, or empty, is as in `DEFAULT`. */
export function readDestinationFile(text: string): ReadRows<DestinationControl> {
  const faults: AccessFault[] = [];
  const sections = new Map<string, { readonly control: Mutable; readonly line: number }>();
  let current: Mutable | undefined;
  for (const [index, raw] of text
    .replace(/^\u{feff}/u, '')
    .split(/\r?\n/)
    .entries()) {
    const content = raw.trim();
    const complain = (token: string, message: string): void => {
      faults.push({ ...accessFault('ITEM_INVALID', 'file', token, message), line: index + 1 });
    };
    if (content === '' || /^[#;]/.test(content)) continue;
    const [, domain] = /^\[([^\]\s]+)\]$/.exec(content) ?? [];
    if (domain !== undefined) {
      const name = /^default$/i.test(domain) ? 'DEFAULT' : domain.toLowerCase();
      const earlier = sections.get(name);
      if (earlier !== undefined) complain(content, `stands in line ${earlier.line} already`);
      current = { domain: name };
      if (earlier === undefined) sections.set(name, { control: current, line: index + 1 });
      continue;
    }
    const [, key = '', value = ''] = /^([A-Za-z0-9_]+)\s*[=:]\s*(.*)$/.exec(content) ?? [];
    const known = NAMES.get(key.toLowerCase());
    if (current === undefined) complain(content, 'needs its section above: [DEFAULT] or [example.com]');
    else if (known === undefined) complain(content, 'is no parameter of destination controls');
    else if (value !== '' && !known.set(current, value)) complain(value, `${key} takes ${known.takes}`);
  }
  if (faults.length > 0) return { kind: 'faults', faults };
  return { kind: 'read', rows: Array.from(sections.values(), ({ control }) => withoutIdle(control)) };
}

/** A window without a limit says nothing. */
function withoutIdle({ windowMinutes, ...control }: Mutable): DestinationControl {
  return control.maxRecipients === undefined || windowMinutes === undefined ? control : { ...control, windowMinutes };
}

/** Prints destination controls; what it prints reads as the same rows. */
export function printDestinationFile(controls: readonly DestinationControl[]): string {
  return controls.map((control) => `[${control.domain}]\n${linesOf(control).join('')}\n`).join('');
}

function linesOf(control: DestinationControl): string[] {
  const isLimited = control.maxConnections !== undefined || control.maxRecipients !== undefined;
  const values: readonly (readonly [name: string, value: string | number | undefined])[] = [
    ['ip_sort_pref', IP.find(([preference]) => preference === control.ipPreference)?.[1]],
    ['max_host_concurrency', control.maxConnections],
    ['max_messages_per_connection', control.maxMessagesPerConnection],
    ['recipient_minutes', control.windowMinutes],
    ['recipient_limit', control.maxRecipients],
    ['limit_type', isLimited ? 'host' : undefined],
    ['limit_apply', isLimited ? 'VG' : undefined],
    ['bounce_validation', control.bounceVerification === undefined ? undefined : control.bounceVerification ? 1 : 0],
    ['table_tls', TLS.find(([use]) => use === control.tls)?.[1]],
    ['bounce_profile', control.bounceProfile],
    ['dane', control.dane],
    ['mta_sts', control.mtaSts],
  ];
  return values.flatMap(([name, value]) => (value === undefined ? [] : [`${name} = ${value}\n`]));
}
