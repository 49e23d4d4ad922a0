import {
  type AccessFault,
  type AliasRow,
  AliasTable,
  DomainMap,
  type DomainMapRow,
  GlobalUnsubscribe,
  HostAccessTable,
  type HostAccessRow,
  type MailFlowPolicy,
  type MailPolicy,
  MailPolicyTable,
  type RecipientAccessEntry,
  RecipientAccessTable,
  RecipientRewriting,
  type UnsubscribedRow,
  VirtualGatewayMap,
  type VirtualGatewayRow,
} from '@mailyard/access';
import { MtaError } from '@mailyard/mail';
import { type DkimProfile, DkimProfileTable } from './dkim-profiles.ts';
import type { BounceKey, SectionName, Sections } from './sections.ts';
import { type ConfigurationState, itemsOf } from './state.ts';

/** The parts of the configuration by which mail is taken, ready to be asked. */
export interface AccessTables {
  readonly version: number;
  readonly recipients: RecipientAccessTable;
  readonly policies: MailPolicyTable;
  /** Of mail from clients that relay (R110). */
  readonly outgoing: MailPolicyTable;
  readonly hosts: HostAccessTable;
  readonly gateways: VirtualGatewayMap;
  /** What recipients become on receipt (R136). */
  readonly rewriting: RecipientRewriting;
  /** By which tags on envelope senders are verified (R140). */
  readonly bounceKeys: readonly BounceKey[];
  /** Who is sent nothing (R148). */
  readonly unsubscribed: GlobalUnsubscribe;
  readonly dkim: DkimProfileTable;
}

/** The rows that these tables are made of. */
export interface AccessRows {
  readonly entries: readonly RecipientAccessEntry[];
  readonly policies: readonly MailPolicy[];
  readonly outgoing: readonly MailPolicy[];
  readonly hosts: readonly HostAccessRow[];
  readonly flows: readonly MailFlowPolicy[];
  readonly gateways: readonly VirtualGatewayRow[];
  readonly bounceKeys: readonly BounceKey[];
  readonly unsubscribed: readonly UnsubscribedRow[];
  readonly dkim: readonly DkimProfile[];
}

/**
 * Builds the tables of a state.
 *
 * @param before the state of tables that there are, of which those are taken that say the same: aliases may be many
 * @throws MtaError `CONFIGURATION_INVALID` when its rows are not in order
 */
export function accessTablesOf(
  state: ConfigurationState,
  before?: { readonly state: ConfigurationState; readonly tables: AccessTables },
): AccessTables {
  const [now, old] = [state.sections, before?.state.sections];
  const isRewritingSame = now.domainMap === old?.domainMap && now.aliases === old?.aliases;
  const rewriting = isRewritingSame ? before?.tables.rewriting : undefined;
  return readAccessTables(state.version, accessRowsOf(state), rewriting ?? rewritingOf(state));
}

/** The domain map and the aliases of a state. @throws MtaError `CONFIGURATION_INVALID` */
export function rewritingOf(state: ConfigurationState): RecipientRewriting {
  return readRewriting(state.version, rewritingRowsOf(state));
}

/** The rows by which recipients become others. */
export interface RewritingRows {
  readonly domainMap: readonly DomainMapRow[];
  readonly aliases: readonly AliasRow[];
}

export function rewritingRowsOf(state: ConfigurationState): RewritingRows {
  return {
    domainMap: Array.from(itemsOf(state, 'domainMap'), ({ item }) => item),
    aliases: Array.from(itemsOf(state, 'aliases'), ({ item }) => item),
  };
}

/** Builds both tables of rows that were validated before. @throws MtaError `CONFIGURATION_INVALID` */
export function readRewriting(version: number, rows: RewritingRows): RecipientRewriting {
  const domainMap = DomainMap.read(rows.domainMap);
  if (!(domainMap instanceof DomainMap)) throw invalid(version, domainMap);
  return new RecipientRewriting(domainMap, AliasTable.of(rows.aliases));
}

/** The rows of a state. */
export function accessRowsOf(state: ConfigurationState): AccessRows {
  const rows = <S extends SectionName>(section: S): Sections[S][] =>
    Array.from(itemsOf(state, section), ({ item }) => item);
  return {
    entries: rows('rat'),
    policies: rows('policies'),
    outgoing: rows('outgoingPolicies'),
    hosts: rows('hat'),
    flows: rows('mailFlowPolicies'),
    gateways: rows('virtualGateways'),
    bounceKeys: rows('bounceKeys'),
    unsubscribed: rows('globalUnsubscribe'),
    dkim: rows('dkimProfiles'),
  };
}

/** Builds the tables of rows that were validated before. @throws MtaError `CONFIGURATION_INVALID` when they are not in order */
export function readAccessTables(version: number, rows: AccessRows, rewriting: RecipientRewriting): AccessTables {
  const recipients = RecipientAccessTable.read(rows.entries);
  if (!(recipients instanceof RecipientAccessTable)) throw invalid(version, recipients);
  const policies = MailPolicyTable.read(rows.policies);
  if (!(policies instanceof MailPolicyTable)) throw invalid(version, policies);
  const outgoing = MailPolicyTable.read(rows.outgoing);
  if (!(outgoing instanceof MailPolicyTable)) throw invalid(version, outgoing);
  const hosts = HostAccessTable.read(rows.hosts, rows.flows);
  if (!(hosts instanceof HostAccessTable)) throw invalid(version, hosts);
  const gateways = VirtualGatewayMap.read(rows.gateways);
  if (!(gateways instanceof VirtualGatewayMap)) throw invalid(version, gateways);
  const unsubscribed = GlobalUnsubscribe.read(rows.unsubscribed);
  if (!(unsubscribed instanceof GlobalUnsubscribe)) throw invalid(version, unsubscribed);
  return {
    version,
    recipients,
    policies,
    outgoing,
    hosts,
    gateways,
    rewriting,
    bounceKeys: rows.bounceKeys,
    unsubscribed,
    dkim: new DkimProfileTable(rows.dkim),
  };
}

function invalid(version: number, [fault]: readonly AccessFault[]): MtaError {
  return new MtaError(
    'CONFIGURATION_INVALID',
    `version ${version}: ${fault?.field} ${JSON.stringify(fault?.token)} ${fault?.message}`,
  );
}
