/** Items of the configuration besides the routes, between core and wire. */
import type {
  AliasRow,
  DomainMapRow,
  HostAccessRow,
  MailFlowPolicy,
  MailPolicy,
  PolicyActions,
  PolicySide,
  RecipientAccessEntry,
  UnsubscribedRow,
  VirtualGatewayRow,
} from '@mailyard/access';
import type {
  AuthProfile,
  BounceKey,
  BounceProfile,
  DestinationControl,
  DkimProfile,
  SectionName,
  Sections,
  Suspension,
} from '@mailyard/configuration';
import type * as wire from './gen/mailyard/routing/v1/change_set.ts';
import { writeBounceKey } from './bounce-key-codec.ts';
import { writeAlias, writeDomainMapping } from './rewriting-codec.ts';
import { writeUnsubscribed } from './unsubscribed-codec.ts';
import { writeDkimProfile } from './dkim-codec.ts';
import { readSecretReference, writeSecretReference } from './secret-codec.ts';
import { writeSuspension } from './suspension-codec.ts';
import { writeHostAccess, writeMailFlowPolicy } from './host-access-codec.ts';
import { readDaneUse, readMtaStsUse, readTlsUse, writeDaneUse, writeMtaStsUse, writeTlsUse } from './tls-use.ts';

type Value = wire.Item['item'];
type Read = { readonly section: SectionName; readonly item: Sections[SectionName] } | undefined;

/** Writes an item of any section but the routes. */
export function writeItemOf(section: Exclude<SectionName, 'routes'>, item: Sections[SectionName]): wire.Item {
  switch (section) {
    case 'rat':
      return { item: { $case: 'recipientAccess', value: writeRecipientAccess(item as RecipientAccessEntry) } };
    case 'policies':
      return { item: { $case: 'mailPolicy', value: writeMailPolicy(item as MailPolicy) } };
    case 'authProfiles':
      return { item: { $case: 'authProfile', value: writeAuthProfile(item as AuthProfile) } };
    case 'destinationControls':
      return { item: { $case: 'destinationControl', value: writeDestinationControl(item as DestinationControl) } };
    case 'bounceProfiles':
      return { item: { $case: 'bounceProfile', value: writeBounceProfile(item as BounceProfile) } };
    case 'hat':
      return { item: { $case: 'hostAccess', value: writeHostAccess(item as HostAccessRow) } };
    case 'mailFlowPolicies':
      return { item: { $case: 'mailFlowPolicy', value: writeMailFlowPolicy(item as MailFlowPolicy) } };
    case 'outgoingPolicies':
      return { item: { $case: 'outgoingMailPolicy', value: writeMailPolicy(item as MailPolicy) } };
    case 'virtualGateways':
      return { item: { $case: 'virtualGateway', value: writeVirtualGateway(item as VirtualGatewayRow) } };
    case 'suspensions':
      return { item: { $case: 'suspension', value: writeSuspension(item as Suspension) } };
    case 'domainMap':
      return { item: { $case: 'domainMapping', value: writeDomainMapping(item as DomainMapRow) } };
    case 'globalUnsubscribe':
      return { item: { $case: 'unsubscribed', value: writeUnsubscribed(item as UnsubscribedRow) } };
    case 'bounceKeys':
      return { item: { $case: 'bounceKey', value: writeBounceKey(item as BounceKey) } };
    case 'aliases':
      return { item: { $case: 'alias', value: writeAlias(item as AliasRow) } };
    case 'dkimProfiles':
      return { item: { $case: 'dkimProfile', value: writeDkimProfile(item as DkimProfile) } };
  }
}

export function writeRecipientAccess(entry: RecipientAccessEntry): wire.RecipientAccess {
  const { recipient, action, reply, bypassReceivingControl } = entry;
  return {
    recipient,
    action: action === 'ACCEPT' ? 1 : 2,
    reply: reply === undefined ? undefined : { ...reply },
    bypassReceivingControl,
  };
}

export function writeMailPolicy({ name, sender, recipient, actions }: MailPolicy): wire.MailPolicy {
  return {
    name,
    sender: writeSide(sender),
    recipient: writeSide(recipient),
    actions: {
      removeHeaders: [...(actions.removeHeaders ?? [])],
      addHeaders: (actions.addHeaders ?? []).map((field) => ({ ...field })),
      subjectTag: actions.subjectTag,
      priority: actions.priority,
      drop: actions.drop ?? false,
    },
  };
}

function writeSide({ members, not }: PolicySide): wire.PolicySide {
  return { members: [...members], not: [...(not ?? [])] };
}

export function writeVirtualGateway({ from, gateway }: VirtualGatewayRow): wire.VirtualGateway {
  return { key: from, gateway };
}

export function writeAuthProfile({ name, username, secret, allowClear }: AuthProfile): wire.AuthProfile {
  return {
    name,
    username,
    secret: writeSecretReference(secret),
    allowClear,
  };
}

const IP_PREFERENCES = ['preferV6', 'requireV6', 'preferV4', 'requireV4'] as const;

export function writeDestinationControl({
  tls,
  dane,
  mtaSts,
  ipPreference,
  ...control
}: DestinationControl): wire.DestinationControl {
  return {
    ...control,
    ...writeTlsUse(tls),
    ...writeDaneUse(dane),
    ...writeMtaStsUse(mtaSts),
    ipPreference: ipPreference === undefined ? 0 : ((IP_PREFERENCES.indexOf(ipPreference) + 1) as wire.IpPreference),
  };
}

export function writeBounceProfile(profile: BounceProfile): wire.BounceProfile {
  return { ...profile };
}

/** Reads an item by which mail is taken: recipient access, mail policy, virtual gateway; undefined when it is none or lacks a part. */
export function readAccessItem(value: Value): Read {
  if (value?.$case === 'recipientAccess') {
    const { recipient, action, reply, bypassReceivingControl } = value.value;
    if (action === 0) return undefined;
    const entry: RecipientAccessEntry = {
      recipient: /^all$/i.test(recipient) ? 'ALL' : recipient,
      action: action === 1 ? 'ACCEPT' : 'REJECT',
      ...(reply === undefined ? {} : { reply: { code: reply.code, text: reply.text } }),
      ...(bypassReceivingControl === true ? { bypassReceivingControl } : {}),
    };
    return { section: 'rat', item: entry };
  }
  if (value?.$case === 'mailPolicy' || value?.$case === 'outgoingMailPolicy') {
    const { name, sender, recipient, actions } = value.value;
    return {
      section: value.$case === 'mailPolicy' ? 'policies' : 'outgoingPolicies',
      item: { name, sender: readSide(sender), recipient: readSide(recipient), actions: readActions(actions) },
    };
  }
  if (value?.$case === 'virtualGateway') {
    const { key: from, gateway } = value.value;
    return from === '' || gateway === '' ? undefined : { section: 'virtualGateways', item: { from, gateway } };
  }
  return undefined;
}

function readSide(side: wire.PolicySide | undefined): PolicySide {
  const members = side?.members ?? [];
  return side === undefined || side.not.length === 0 ? { members } : { members, not: side.not };
}

function readActions(actions: wire.PolicyActions | undefined): PolicyActions {
  if (actions === undefined) return {};
  const { removeHeaders, addHeaders, subjectTag, priority, drop } = actions;
  return {
    ...(removeHeaders.length === 0 ? {} : { removeHeaders }),
    ...(addHeaders.length === 0 ? {} : { addHeaders: addHeaders.map(({ name, value }) => ({ name, value })) }),
    ...(subjectTag === undefined ? {} : { subjectTag }),
    ...(priority === undefined ? {} : { priority }),
    ...(drop ? { drop } : {}),
  };
}

const NAME = /^[A-Za-z0-9_.-]{1,64}$/;

/** Reads a profile or a destination control; undefined when it is none of them or lacks a part. */
export function readPlainItem(value: Value): Read {
  if (value?.$case === 'authProfile') {
    const { name, username, secret, allowClear } = value.value;
    const reference = readSecretReference(secret);
    if (!NAME.test(name) || username === '' || reference === undefined) return undefined;
    return { section: 'authProfiles', item: { name, username, secret: reference, allowClear } };
  }
  if (value?.$case === 'destinationControl') {
    const { tls, verifyCertificate, dane, mtaSts, ipPreference, ...numbers } = value.value;
    const [use, daneUse] = [readTlsUse({ tls, verifyCertificate }), readDaneUse({ dane })];
    const stsUse = readMtaStsUse({ mtaSts });
    // What is not known here may protect more than all that is: going on without it would be worse than waiting.
    if (numbers.domain === '' || use === 'unknown' || daneUse === 'unknown' || stsUse === 'unknown') return undefined;
    const preference = IP_PREFERENCES[ipPreference - 1];
    return {
      section: 'destinationControls',
      item: {
        ...present(numbers),
        domain: numbers.domain,
        ...(use === undefined ? {} : { tls: use }),
        ...(daneUse === undefined ? {} : { dane: daneUse }),
        ...(stsUse === undefined ? {} : { mtaSts: stsUse }),
        ...(preference === undefined ? {} : { ipPreference: preference }),
      },
    };
  }
  if (value?.$case === 'bounceProfile') {
    if (!NAME.test(value.value.name)) return undefined;
    return { section: 'bounceProfiles', item: { ...present(value.value), name: value.value.name } };
  }
  return undefined;
}

/** The fields that are there, unknown ones left out. */
function present<T extends { readonly _unknownFields?: unknown }>(
  value: T,
): { [K in keyof T]: Exclude<T[K], undefined> } {
  const entries = Object.entries(value).filter(([name, content]) => content !== undefined && name !== '_unknownFields');
  return Object.fromEntries(entries) as { [K in keyof T]: Exclude<T[K], undefined> };
}
