/** The sections of the configuration that are edited item by item: what each is like. */
import {
  type AliasRow,
  CONNECTION_ACTIONS,
  type DomainMapRow,
  type HostAccessRow,
  isLastRow,
  type MailFlowPolicy,
  PREDEFINED_POLICIES,
  type RecipientAccessEntry,
  type UnsubscribedRow,
} from '@mailyard/access';
import type { BounceProfile, DestinationControl, SectionName, Sections } from '@mailyard/configuration';
import { DANE_USES, MTA_STS_USES, TLS_USES } from '@mailyard/contracts';
import { z } from 'zod';

/** Items as JSON are as the core has them; whether they are right is judged there. */
export interface ItemSection<S extends SectionName = SectionName> {
  readonly section: S;
  readonly shape: z.ZodType;
  /** How faults of the whole name its items: `entries[3].recipient`. */
  readonly faultName: string;
  /** The field by which an item is named. */
  readonly nameField: (item: Sections[S]) => string;
  /** Its order decides: an item has a place among those of its list. */
  readonly isOrdered: boolean;
  /** Items of one name make a list of their own: those of a listener. */
  readonly listOf: (item: Sections[S]) => string;
  /** Stands last, whatever its place. */
  readonly isLast: (item: Sections[S]) => boolean;
  /** Is changed and never deleted. */
  readonly isFixed: (item: Sections[S]) => boolean;
  /** Is there without being written, until one of its key is. */
  readonly unwritten: readonly Sections[S][];
  /** What a search looks at. */
  readonly texts: (item: Sections[S]) => readonly string[];
}

/** A shape has every field of its item: what it did not know, an edit would take away. */
type Fields<T> = { readonly [K in keyof T]-?: z.ZodType };

const text = (most: number) => z.string().max(most);
/** What the wire keeps as 32 bits. */
const whole = z.int().min(0).max(4_294_967_295).optional();
const parameters = z.record(text(100), text(1_000));
const action = z.enum(CONNECTION_ACTIONS);

const recipientAccess: ItemSection<'rat'> = {
  section: 'rat',
  shape: z.strictObject({
    recipient: text(1_000),
    action: z.enum(['ACCEPT', 'REJECT']),
    reply: z.strictObject({ code: z.int().min(0).max(999), text: text(1_000) }).optional(),
    bypassReceivingControl: z.boolean().optional(),
  } satisfies Fields<RecipientAccessEntry>),
  faultName: 'entries',
  nameField: () => 'recipient',
  isOrdered: true,
  listOf: () => '',
  isLast: isAll,
  isFixed: isAll,
  unwritten: [],
  texts: ({ recipient, action: taken, reply }) => [recipient, taken, reply?.text ?? ''],
};

const destinationControls: ItemSection<'destinationControls'> = {
  section: 'destinationControls',
  shape: z.strictObject({
    domain: text(1_000),
    maxConnections: whole,
    maxMessagesPerConnection: whole,
    maxRecipients: whole,
    windowMinutes: whole,
    tls: z.enum(TLS_USES).optional(),
    dane: z.enum(DANE_USES).optional(),
    ipPreference: z.enum(['preferV6', 'requireV6', 'preferV4', 'requireV4']).optional(),
    bounceProfile: text(100).optional(),
    mtaSts: z.enum(MTA_STS_USES).optional(),
    bounceVerification: z.boolean().optional(),
  } satisfies Fields<DestinationControl>),
  faultName: 'destinationControls',
  nameField: () => 'domain',
  isOrdered: false,
  listOf: () => '',
  isLast: isDefault,
  isFixed: isDefault,
  unwritten: [{ domain: 'DEFAULT' }],
  texts: ({ domain, bounceProfile = '' }) => [domain, bounceProfile],
};

const bounceProfiles: ItemSection<'bounceProfiles'> = {
  section: 'bounceProfiles',
  shape: z.strictObject({
    name: text(100),
    maxRetries: whole,
    maxAgeSeconds: whole,
    initialWaitSeconds: whole,
    maxWaitSeconds: whole,
    notices: z.boolean().optional(),
    delayWarnings: whole,
    delayWarningSeconds: whole,
  } satisfies Fields<BounceProfile>),
  faultName: 'bounceProfiles',
  nameField: () => 'name',
  isOrdered: false,
  listOf: () => '',
  isLast: () => false,
  isFixed: () => false,
  unwritten: [],
  texts: ({ name }: BounceProfile) => [name],
};

const hostAccess: ItemSection<'hat'> = {
  section: 'hat',
  shape: z.strictObject({
    listener: text(100),
    group: text(100),
    sources: z.array(z.strictObject({ source: text(300), comment: text(1_000).optional() })).max(10_000),
    rule: z.union([z.strictObject({ policy: text(100) }), z.strictObject({ action, parameters })]),
    comment: text(1_000).optional(),
  } satisfies Fields<HostAccessRow>),
  faultName: 'hat',
  nameField: ({ group }) => (group === '' ? 'sources[0]' : 'group'),
  isOrdered: true,
  listOf: ({ listener }) => listener,
  isLast: isLastRow,
  isFixed: () => false,
  unwritten: [],
  texts: ({ group, sources, rule, comment = '' }: HostAccessRow) => [
    group,
    'policy' in rule ? rule.policy : rule.action,
    comment,
    ...sources.flatMap(({ source, comment: note = '' }) => [source, note]),
  ],
};

const mailFlowPolicies: ItemSection<'mailFlowPolicies'> = {
  section: 'mailFlowPolicies',
  shape: z.strictObject({ listener: text(100), name: text(100), action, parameters } satisfies Fields<MailFlowPolicy>),
  faultName: 'mailFlowPolicies',
  nameField: () => 'name',
  isOrdered: false,
  listOf: () => '',
  isLast: () => false,
  isFixed: (policy) => PREDEFINED_POLICIES.includes(policy),
  unwritten: PREDEFINED_POLICIES,
  texts: ({ listener, name, action: taken }: MailFlowPolicy) => [listener, name, taken],
};

/** What rows of addresses have in common: the first that names a recipient decides, none stands last, each may go. */
const addressRows = {
  isOrdered: true,
  listOf: () => '',
  isLast: () => false,
  isFixed: () => false,
  unwritten: [],
} as const;

const aliases: ItemSection<'aliases'> = {
  ...addressRows,
  section: 'aliases',
  shape: z.strictObject({ alias: text(1_000), to: z.array(text(1_000)).max(10_000) } satisfies Fields<AliasRow>),
  faultName: 'aliases',
  nameField: () => 'alias',
  texts: ({ alias, to }: AliasRow) => [alias, ...to],
};

const domainMap: ItemSection<'domainMap'> = {
  ...addressRows,
  section: 'domainMap',
  shape: z.strictObject({ from: text(1_000), to: text(1_000) } satisfies Fields<DomainMapRow>),
  faultName: 'domainMap',
  nameField: () => 'from',
  texts: ({ from, to }: DomainMapRow) => [from, to],
};

const globalUnsubscribe: ItemSection<'globalUnsubscribe'> = {
  ...addressRows,
  section: 'globalUnsubscribe',
  shape: z.strictObject({
    recipient: text(1_000),
    action: z.enum(['drop', 'bounce']),
  } satisfies Fields<UnsubscribedRow>),
  faultName: 'globalUnsubscribe',
  nameField: () => 'recipient',
  texts: ({ recipient, action: taken }: UnsubscribedRow) => [recipient, taken],
};

/** By the name that a section has in the API. */
export const ITEM_SECTIONS = {
  recipientAccess,
  destinationControls,
  bounceProfiles,
  hostAccess,
  mailFlowPolicies,
  aliases,
  domainMap,
  globalUnsubscribe,
} as const;

export type ItemSectionName = keyof typeof ITEM_SECTIONS;

export function itemSection(name: ItemSectionName): ItemSection {
  return ITEM_SECTIONS[name] as unknown as ItemSection;
}

function isAll({ recipient }: RecipientAccessEntry): boolean {
  return recipient === 'ALL';
}

function isDefault({ domain }: DestinationControl): boolean {
  return domain === 'DEFAULT';
}
