/** Rows and policies in a line, for differences and histories. */
import type { HostAccessRow, HostRule } from './host-access-table.ts';
import { type MailFlowPolicy, orderedParameters } from './mail-flow-policy.ts';

/** More sources than this are counted and not told. */
const TOLD = 10;

/**
 * What a row says: its sources, then its policy or action.
 *
 * @param beside the row as it was or will be: what only this one has is told first
 */
export function hostRowText({ sources, rule, comment }: HostAccessRow, beside?: HostAccessRow): string {
  const others = new Set(beside?.sources.map(({ source }) => source));
  const names = sources.map(({ source }) => source);
  const told = [...names.filter((name) => !others.has(name)), ...names.filter((name) => others.has(name))];
  const more = told.length > TOLD ? [`and ${told.length - TOLD} more`] : [];
  const words = [
    [...told.slice(0, TOLD), ...more].join(', '),
    ruleText(rule),
    comment === undefined ? '' : `(${comment})`,
  ];
  return words.filter((word) => word !== '').join(' ');
}

export function flowPolicyText({ action, parameters }: MailFlowPolicy): string {
  return ruleText({ action, parameters });
}

function ruleText(rule: HostRule): string {
  if ('policy' in rule) return `$${rule.policy}`;
  const parameters = orderedParameters(rule.parameters).map(([name, value]) => `${name} ${JSON.stringify(value)}`);
  return [rule.action, parameters.join(', ')].filter((word) => word !== '').join(' ');
}
