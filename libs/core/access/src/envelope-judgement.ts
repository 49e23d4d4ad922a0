import type { Domain, Mailbox } from '@mailyard/mail';
import type { ExpansionFault } from './alias-table.ts';
import type { Subject } from './address-pattern.ts';
import type { HostAccessTable, HostVerdict } from './host-access-table.ts';
import { type MailPolicyTable, type PolicySenders, type Splinter, splinter } from './mail-policy.ts';
import { type RecipientAccessTable, recipientVerdict, type RecipientVerdict } from './recipient-access-table.ts';
import type { RecipientRewriting, RewrittenRecipient } from './recipient-rewriting.ts';
import type { VirtualGatewayMap } from './virtual-gateway.ts';

/** The tables that mail in is judged by, as of one version. */
export interface MailInTables {
  readonly hosts: HostAccessTable;
  readonly recipients: RecipientAccessTable;
  /** Policies of mail that comes in, and of mail that goes out since its client relays (R110). */
  readonly policies: MailPolicyTable;
  readonly outgoing: MailPolicyTable;
  readonly gateways: VirtualGatewayMap;
  readonly rewriting: RecipientRewriting;
}

/** An envelope, and who brings it. */
export interface OfferedEnvelope {
  readonly listener: string;
  /** The client's IP address, and what it is called, as far as that was verified. */
  readonly client: string;
  readonly names: readonly Domain[];
  /** Whether the client has authenticated (R129). */
  readonly isAuthenticated: boolean;
  /** Null for the null reverse-path. */
  readonly reversePath: Subject | null;
  /** Authors in the header, which policies ask after the envelope sender (R113). */
  readonly authors: readonly Subject[];
  readonly recipients: readonly Mailbox[];
}

export interface EnvelopeJudgement {
  readonly client: HostVerdict;
  /** Whether the client may send to anyone. */
  readonly relays: boolean;
  /** One for each recipient, in their order; all are refused, without a reply of their own, where the client is (R124). */
  readonly recipients: readonly RecipientVerdict[];
  /** What each of them becomes by the domain map and the alias table (R136); undefined for who stays what he is. */
  readonly rewritten: readonly (RewrittenRecipient | ExpansionFault | undefined)[];
  /** How what those become who are taken is split (R91); by their places among all recipients. */
  readonly splinters: readonly Splinter[];
  readonly gateway: string | undefined;
}

const REFUSED: RecipientVerdict = { action: 'REJECT', matched: '', reply: undefined };

/** What the tables say of an envelope; limits that count what came before are not in it. */
export function judgeEnvelope(tables: MailInTables, offered: OfferedEnvelope): EnvelopeJudgement {
  const { client: address, names, isAuthenticated, reversePath, authors } = offered;
  const client = tables.hosts.of(offered.listener).verdict(address, names);
  const relays = isAuthenticated || client.action === 'RELAY';
  const isRefused = client.action === 'TCPREFUSE' || (client.action === 'REJECT' && !isAuthenticated);
  const recipients = offered.recipients.map((recipient): RecipientVerdict => {
    if (isRefused) return REFUSED;
    return recipientVerdict(tables.recipients, relays, tables.rewriting.domainMap.map(recipient)?.mailbox ?? recipient);
  });
  const rewritten = offered.recipients.map((recipient) => tables.rewriting.rewrite(recipient));
  const taken = offered.recipients.flatMap((recipient, place) =>
    recipients[place]!.action === 'ACCEPT'
      ? becomes(recipient, rewritten[place]).map((subject) => ({ subject, place }))
      : [],
  );
  const senders: PolicySenders = reversePath === null ? authors : [reversePath, ...authors];
  const split = splinter(
    relays ? tables.outgoing : tables.policies,
    senders,
    taken.map(({ subject }) => subject),
  );
  return {
    client,
    relays,
    recipients,
    rewritten,
    splinters: split.map(({ policy, recipients: places }) => ({
      policy,
      recipients: [...new Set(places.map((place) => taken[place]!.place))],
    })),
    gateway: tables.gateways.gatewayOf(address, reversePath),
  };
}

function becomes(recipient: Mailbox, rewritten: EnvelopeJudgement['rewritten'][number]): readonly Mailbox[] {
  if (rewritten === undefined) return [recipient];
  return 'fault' in rewritten ? [] : [...rewritten.recipients, ...rewritten.discarded];
}
