import type { AddressLiteral, Domain } from '@mailyard/mail';
import type { DaneUse } from './dane.ts';
import type { IpPreference } from './ip-preference.ts';
import type { MtaStsUse } from './mta-sts.ts';
import type { RelayOptions } from './ports.ts';
import type { BounceProfile } from './retry-schedule.ts';

/** A row of the destination controls as the configuration has it (R140); what is absent is as in the row `DEFAULT`. */
export interface ControlRow {
  /** `example.com`, `.example.com` (what is below it) or `DEFAULT`. */
  readonly domain: string;
  readonly maxConnections?: number;
  readonly maxMessagesPerConnection?: number;
  readonly maxRecipients?: number;
  readonly windowMinutes?: number;
  readonly tls?: RelayOptions['tls'];
  readonly dane?: DaneUse;
  readonly mtaSts?: MtaStsUse;
  readonly bounceProfile?: string;
  readonly ipPreference?: IpPreference;
  readonly bounceVerification?: boolean;
}

/** A bounce profile as the configuration has it (R70); what is absent is as in the settings. */
export interface BounceProfileRow {
  readonly name: string;
  readonly maxRetries?: number;
  readonly maxAgeSeconds?: number;
  readonly initialWaitSeconds?: number;
  readonly maxWaitSeconds?: number;
  readonly notices?: boolean;
  readonly delayWarnings?: number;
  readonly delayWarningSeconds?: number;
}

/** Under which terms mail for a recipient domain is delivered. A value: the same terms are the same object. */
export interface DeliveryTerms {
  /** The row that they are of; absent where it is `DEFAULT` or the settings alone. */
  readonly row?: string;
  /** Connections to one destination. */
  readonly maxConnections: number;
  /** They are of all workers together, since a row says how many; those of the settings are of each. */
  readonly isShared?: boolean;
  readonly messagesPerConnection: number;
  readonly tls: RelayOptions['tls'];
  readonly dane: DaneUse;
  readonly mtaSts: MtaStsUse;
  /** R142 */
  readonly ipPreference: IpPreference;
  /** Senders of mail from clients that relay are tagged (R140). */
  readonly bounceVerification?: boolean;
  /** Recipients of one domain in a window, by all workers together; absent: as many as there are. */
  readonly recipients?: { readonly most: number; readonly windowMs: number };
  /** Name of the bounce profile; absent where the settings say it all. */
  readonly bounceProfile?: string;
  readonly bounce: BounceProfile;
  /** The age at which mail is given up stands in the profile, not in the message as it was accepted. */
  readonly hasOwnAge: boolean;
}

const WINDOW_MINUTES = 60;
const DEFAULT_ROW = 'DEFAULT';

/** The terms of all recipient domains: rows over the row `DEFAULT` over the settings (R140, R146). */
export class DeliveryTermsTable {
  readonly #default: DeliveryTerms;
  readonly #byRow = new Map<string, DeliveryTerms>();

  /** @param base what the settings say */
  constructor(base: DeliveryTerms, controls: Iterable<ControlRow>, profiles: Iterable<BounceProfileRow>) {
    const byName = new Map(Array.from(profiles, (profile) => [profile.name, profile]));
    const rows = [...controls];
    const ending = rows.find(({ domain }) => domain === DEFAULT_ROW);
    this.#default = ending === undefined ? base : merge(base, base, ending, byName);
    for (const row of rows)
      if (row !== ending) this.#byRow.set(row.domain, merge(base, this.#default, { ...ending, ...row }, byName));
  }

  /** The exact row, else the longest `.suffix`, else `DEFAULT`. Costs nothing where there are no rows. */
  of(domain: Domain | AddressLiteral): DeliveryTerms {
    if (this.#byRow.size === 0) return this.#default;
    const exact = this.#byRow.get(domain);
    if (exact !== undefined) return exact;
    for (let dot = domain.indexOf('.'); dot >= 0; dot = domain.indexOf('.', dot + 1)) {
      const above = this.#byRow.get(domain.slice(dot));
      if (above !== undefined) return above;
    }
    return this.#default;
  }
}

function merge(
  base: DeliveryTerms,
  below: DeliveryTerms,
  { domain, ...row }: ControlRow,
  profiles: ReadonlyMap<string, BounceProfileRow>,
): DeliveryTerms {
  const profile = row.bounceProfile === undefined ? undefined : profiles.get(row.bounceProfile);
  return {
    ...(domain === DEFAULT_ROW ? {} : { row: domain }),
    maxConnections: row.maxConnections ?? below.maxConnections,
    ...(row.maxConnections === undefined ? {} : { isShared: true }),
    messagesPerConnection: row.maxMessagesPerConnection ?? below.messagesPerConnection,
    tls: row.tls ?? below.tls,
    dane: row.dane ?? below.dane,
    mtaSts: row.mtaSts ?? below.mtaSts,
    ipPreference: row.ipPreference ?? below.ipPreference,
    ...((row.bounceVerification ?? below.bounceVerification) === true ? { bounceVerification: true } : {}),
    ...(row.maxRecipients === undefined
      ? {}
      : { recipients: { most: row.maxRecipients, windowMs: (row.windowMinutes ?? WINDOW_MINUTES) * 60_000 } }),
    ...(profile === undefined ? {} : { bounceProfile: profile.name }),
    bounce: profile === undefined ? base.bounce : bounceOf(base.bounce, profile),
    hasOwnAge: profile?.maxAgeSeconds !== undefined,
  };
}

function bounceOf(base: BounceProfile, profile: BounceProfileRow): BounceProfile {
  const { maxRetries, maxAgeSeconds, initialWaitSeconds, maxWaitSeconds, notices } = profile;
  const { delayWarnings, delayWarningSeconds } = profile;
  const initialWaitMs = initialWaitSeconds === undefined ? base.initialWaitMs : initialWaitSeconds * 1000;
  const maxWaitMs = maxWaitSeconds === undefined ? Math.max(base.maxWaitMs, initialWaitMs) : maxWaitSeconds * 1000;
  return {
    maxRetries: maxRetries ?? base.maxRetries,
    maxAgeMs: maxAgeSeconds === undefined ? base.maxAgeMs : maxAgeSeconds * 1000,
    initialWaitMs,
    maxWaitMs,
    notices: notices ?? base.notices,
    copyOctets: base.copyOctets,
    delayWarnings: delayWarnings ?? base.delayWarnings,
    delayWarningMs: delayWarningSeconds === undefined ? base.delayWarningMs : delayWarningSeconds * 1000,
  };
}

/** Whether what waits may have another time to be tried under the other terms. */
export function isOtherSchedule(a: DeliveryTerms, b: DeliveryTerms): boolean {
  return (
    a.tls !== b.tls ||
    a.dane !== b.dane ||
    a.mtaSts !== b.mtaSts ||
    a.ipPreference !== b.ipPreference ||
    a.bounce.maxAgeMs !== b.bounce.maxAgeMs ||
    a.bounce.maxRetries !== b.bounce.maxRetries ||
    a.bounce.initialWaitMs !== b.bounce.initialWaitMs ||
    a.bounce.maxWaitMs !== b.bounce.maxWaitMs ||
    a.recipients?.most !== b.recipients?.most ||
    a.recipients?.windowMs !== b.recipients?.windowMs
  );
}

/** When a recipient is too old (R73): by its bounce profile, or as it was accepted. */
export function expiryOf(terms: DeliveryTerms, acceptedAt: number, expiresAt: number): number {
  return terms.hasOwnAge ? acceptedAt + terms.bounce.maxAgeMs : expiresAt;
}

/** Where delivery learns of the terms. */
export interface DeliveryTermsSource {
  of(domain: Domain | AddressLiteral): DeliveryTerms;
  /** Calls back when some domain may have other terms. */
  onChange(listener: () => void): void;
}
