/** Rows of the host access table and mail flow policies, between core and wire. */
import {
  CONNECTION_ACTIONS,
  type FlowParameters,
  type HostAccessRow,
  type HostRule,
  type MailFlowPolicy,
} from '@mailyard/access';
import type { SectionName, Sections } from '@mailyard/configuration';
import type * as wire from './gen/mailyard/routing/v1/change_set.ts';

export function writeHostAccess({ listener, group, sources, rule, comment }: HostAccessRow): wire.HostAccess {
  return {
    listener,
    group,
    sources: sources.map((each) => ({ source: each.source, comment: each.comment })),
    rule: 'policy' in rule ? { $case: 'policy', value: rule.policy } : { $case: 'own', value: writeRule(rule) },
    comment,
  };
}

export function writeMailFlowPolicy({ listener, name, action, parameters }: MailFlowPolicy): wire.MailFlowPolicy {
  return { listener, name, rule: writeRule({ action, parameters }) };
}

function writeRule({ action, parameters }: Extract<HostRule, { action: unknown }>): wire.FlowRule {
  return {
    action: (CONNECTION_ACTIONS.indexOf(action) + 1) as wire.ConnectionAction,
    parameters: Object.entries(parameters).map(([name, value]) => ({ name, value })),
  };
}

/** Reads a row or a policy; undefined when it is neither or lacks a part. */
export function readHostItem(
  value: wire.Item['item'],
): { readonly section: SectionName; readonly item: Sections[SectionName] } | undefined {
  if (value?.$case === 'hostAccess') {
    const row = readHostAccess(value.value);
    return row === undefined ? undefined : { section: 'hat', item: row };
  }
  if (value?.$case === 'mailFlowPolicy') {
    const policy = readMailFlowPolicy(value.value);
    return policy === undefined ? undefined : { section: 'mailFlowPolicies', item: policy };
  }
  return undefined;
}

export function readHostAccess({
  listener,
  group,
  sources,
  rule,
  comment,
}: wire.HostAccess): HostAccessRow | undefined {
  const read = rule?.$case === 'policy' ? { policy: rule.value } : rule && readRule(rule.value);
  if (read === undefined) return undefined;
  return {
    listener,
    group,
    sources: sources.map((each) => ({
      source: /^all$/i.test(each.source) ? 'ALL' : each.source,
      ...(each.comment === undefined ? {} : { comment: each.comment }),
    })),
    rule: read,
    ...(comment === undefined ? {} : { comment }),
  };
}

export function readMailFlowPolicy({ listener, name, rule }: wire.MailFlowPolicy): MailFlowPolicy | undefined {
  const read = rule && readRule(rule);
  return read && { listener, name, ...read };
}

function readRule({ action, parameters }: wire.FlowRule): Extract<HostRule, { action: unknown }> | undefined {
  const read = CONNECTION_ACTIONS[action - 1];
  if (read === undefined) return undefined;
  const written: FlowParameters = Object.fromEntries(parameters.map(({ name, value }) => [name, value]));
  return { action: read, parameters: written };
}
