/** Items of the configuration in a line, for differences and histories: what is said behind their keys. */
import { flowPolicyText, hostRowText, mailPolicyText } from '@mailyard/access';
import { writeRoute } from '@mailyard/smtp-routes';
import type { SecretReference } from './secret-reference.ts';
import type { SectionName, Sections } from './sections.ts';

const TEXTS: { readonly [S in SectionName]: (item: Sections[S], beside: Sections[S] | undefined) => string } = {
  routes(route) {
    const { destinations, authProfile } = writeRoute(route);
    return `${destinations.join(', ')}${authProfile === undefined ? '' : `/auth=${authProfile}`}`;
  },
  rat: ({ action, reply, bypassReceivingControl }) =>
    [
      action,
      ...(reply === undefined ? [] : [`${reply.code} ${reply.text}`]),
      ...(bypassReceivingControl === true ? ['bypass_receiving_control'] : []),
    ].join(' '),
  policies: mailPolicyText,
  outgoingPolicies: mailPolicyText,
  authProfiles: ({ username, secret, allowClear }) =>
    wordsOf({ user: username, secret: secretText(secret), ...(allowClear ? { allowClear } : {}) }),
  destinationControls: ({ domain: _key, ...said }) => wordsOf(said),
  bounceProfiles: ({ name: _key, ...said }) => wordsOf(said),
  hat: hostRowText,
  mailFlowPolicies: flowPolicyText,
  virtualGateways: ({ gateway }) => gateway,
  suspensions: ({ reason, author, until }) =>
    `${reason}, ${author}${until === undefined ? '' : `, until ${new Date(until).toISOString()}`}`,
  domainMap: ({ to }) => to,
  aliases: ({ to }) => to.join(', '),
  bounceKeys: ({ secret }) => secretText(secret),
  globalUnsubscribe: ({ action }) => action,
  dkimProfiles: ({ name: _key, domain, selector, key, senders, headers, ...said }) =>
    wordsOf({
      ...{ domain, selector, key: secretText(key) },
      ...(senders === undefined ? {} : { senders: senders.join(' ') }),
      ...(headers === undefined ? {} : { headers: headers.join(' ') }),
      ...said,
    }),
};

/**
 * What an item says, without its key.
 *
 * @param beside the item as it was or will be: what only this one has is told first
 */
export function itemText<S extends SectionName>(section: S, item: Sections[S], beside?: Sections[S]): string {
  return TEXTS[section](item, beside);
}

/** `maxConnections 2, tls required`. */
function wordsOf(said: Readonly<Record<string, unknown>>): string {
  return Object.entries(said)
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => `${name} ${String(value)}`)
    .join(', ');
}

function secretText(secret: SecretReference): string {
  return secret.kind === 'file' ? `file ${secret.file}` : `environment ${secret.variable}`;
}
