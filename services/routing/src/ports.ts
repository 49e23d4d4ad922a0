import type { AddressLiteral, Domain } from '@mailyard/mail';
import type { RouteDecision } from '@mailyard/smtp-routes';

/** What waits now, as the owners of the queue log know it: for a preview of what a change does to it. */
export interface QueueCensus {
  /** Recipients that wait, by recipient domain. */
  waiting(): Promise<Iterable<readonly [domain: Domain | AddressLiteral, recipients: number]>>;
  /** Whether every host that an answer leads to is down; undefined when it is not known. */
  isDown(domain: Domain | AddressLiteral, decision: RouteDecision): boolean | undefined;
}

/** A host that an answer leads to, in the order in which it would be tried. */
export interface ExplainedHost {
  readonly name: string;
  readonly address: string;
  readonly port: number;
  readonly priority: number;
  /** What stood in the way of an address. */
  readonly problem?: string;
}

/** Asks the DNS what an answer leads to, without connecting to anything (R40). */
export type HostExplainer = (
  domain: Domain | AddressLiteral,
  decision: RouteDecision,
) => Promise<readonly ExplainedHost[]>;

/** Something that an operator must know of the configuration log. Codes stand in docs/reference/errors.md. */
export interface RoutingAlarm {
  readonly code:
    | 'CONFIGURATION_AWAY'
    | 'CONFIGURATION_EMPTY'
    | 'CONFIGURATION_FOREIGN'
    | 'CONFIGURATION_FORGED'
    | 'CONFIGURATION_REWRITTEN'
    | 'CHANGE_SET_UNREADABLE'
    | 'SNAPSHOT_WRONG';
  readonly message: string;
}
