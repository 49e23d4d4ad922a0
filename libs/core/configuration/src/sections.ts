import {
  type AliasRow,
  aliasKey,
  DEFAULT_POLICY,
  type DomainMapRow,
  domainMapKey,
  flowPolicyKey,
  gatewayKey,
  type HostAccessRow,
  hostRowKey,
  type MailFlowPolicy,
  type MailPolicy,
  type RecipientAccessEntry,
  type UnsubscribedRow,
  unsubscribedKey,
  type VirtualGatewayRow,
} from '@mailyard/access';
import type { SmtpRoute } from '@mailyard/smtp-routes';
import type { DkimProfile } from './dkim-profiles.ts';
import type { SecretReference } from './secret-reference.ts';
import { type Suspension, suspensionKey } from './suspensions.ts';

/** An outgoing authentication profile (R150 to R153). */
export interface AuthProfile {
  readonly name: string;
  readonly username: string;
  readonly secret: SecretReference;
  /** Whether PLAIN and LOGIN may go over a connection without TLS. */
  readonly allowClear: boolean;
}

/** A key that envelope senders are tagged with (R140). The first of the section signs, all verify. */
export interface BounceKey {
  /** 0 to 9; it stands in the tag. */
  readonly number: number;
  readonly secret: SecretReference;
}

/** A row of the destination controls, found by recipient domain (R140, R146). What is absent is as in `DEFAULT`. */
export interface DestinationControl {
  /** `example.com`, `.example.com` or `DEFAULT`. */
  readonly domain: string;
  readonly maxConnections?: number;
  readonly maxMessagesPerConnection?: number;
  readonly maxRecipients?: number;
  readonly windowMinutes?: number;
  readonly tls?: 'none' | 'preferred' | 'preferredVerify' | 'required' | 'requiredVerify';
  readonly dane?: 'none' | 'opportunistic' | 'mandatory';
  readonly mtaSts?: 'none' | 'testing' | 'enforce';
  readonly bounceProfile?: string;
  /** Which family of addresses comes first, or is the only one (R142). */
  readonly ipPreference?: 'preferV6' | 'requireV6' | 'preferV4' | 'requireV4';
  /** Senders of mail from clients that relay are tagged, so that its bounces can be verified. */
  readonly bounceVerification?: boolean;
}

/** How long mail waits and when it is given up (R70 to R72). What is absent is as in the settings. */
export interface BounceProfile {
  readonly name: string;
  readonly maxRetries?: number;
  readonly maxAgeSeconds?: number;
  readonly initialWaitSeconds?: number;
  readonly maxWaitSeconds?: number;
  readonly notices?: boolean;
  readonly delayWarnings?: number;
  readonly delayWarningSeconds?: number;
}

/** The sections of the configuration: ordered lists of items, each with a key of its own. */
export interface Sections {
  readonly routes: SmtpRoute;
  readonly rat: RecipientAccessEntry;
  readonly policies: MailPolicy;
  readonly authProfiles: AuthProfile;
  readonly destinationControls: DestinationControl;
  readonly bounceProfiles: BounceProfile;
  readonly hat: HostAccessRow;
  readonly mailFlowPolicies: MailFlowPolicy;
  /** Of mail from clients that relay (R110). */
  readonly outgoingPolicies: MailPolicy;
  readonly virtualGateways: VirtualGatewayRow;
  readonly suspensions: Suspension;
  readonly domainMap: DomainMapRow;
  readonly aliases: AliasRow;
  readonly bounceKeys: BounceKey;
  readonly globalUnsubscribe: UnsubscribedRow;
  readonly dkimProfiles: DkimProfile;
}

export type SectionName = keyof Sections;

export const SECTION_NAMES: readonly SectionName[] = [
  'routes',
  'rat',
  'policies',
  'authProfiles',
  'destinationControls',
  'bounceProfiles',
  'hat',
  'mailFlowPolicies',
  'outgoingPolicies',
  'virtualGateways',
  'suspensions',
  'domainMap',
  'aliases',
  'bounceKeys',
  'globalUnsubscribe',
  'dkimProfiles',
];

const KEYS: { readonly [S in SectionName]: (item: Sections[S]) => string } = {
  routes: (route) => route.receivingDomain,
  rat: ({ recipient }) => (/^all$/i.test(recipient) ? 'ALL' : recipient.toLowerCase()),
  policies: (policy) => policy.name,
  authProfiles: (profile) => profile.name,
  destinationControls: (control) => control.domain,
  bounceProfiles: (profile) => profile.name,
  hat: hostRowKey,
  mailFlowPolicies: flowPolicyKey,
  outgoingPolicies: (policy) => policy.name,
  virtualGateways: ({ from }) => gatewayKey(from) ?? from,
  suspensions: suspensionKey,
  domainMap: ({ from }) => domainMapKey(from) ?? from,
  aliases: ({ alias }) => aliasKey(alias) ?? alias,
  bounceKeys: ({ number }) => String(number),
  globalUnsubscribe: ({ recipient }) => unsubscribedKey(recipient) ?? recipient,
  dkimProfiles: (profile) => profile.name,
};

/** What tells an item from the others of its section. */
export function keyOf<S extends SectionName>(section: S, item: Sections[S]): string {
  return KEYS[section](item);
}

/** The item that a section always has and lists last; it is emptied, never removed (R4, R111, R131). */
export const DEFAULTS: { readonly [S in SectionName]?: Sections[S] } = {
  routes: { receivingDomain: 'ALL', target: { kind: 'usedns' } },
  rat: { recipient: 'ALL', action: 'REJECT' },
  policies: { name: DEFAULT_POLICY, sender: { members: [] }, recipient: { members: [] }, actions: {} },
};
