import type { DeliveryControls } from '@mailyard/configuration';
import type { AddressLiteral, Domain, EnhancedStatus } from '@mailyard/mail';
import type { RouteDecision } from '@mailyard/smtp-routes';

/** Asks the owners of the queue log what waits: for a preview of what a change does to it, and to see it follow. */
export interface QueueCensus {
  take(): Promise<Census>;
  /** How far the owners follow the table; cheap enough to be asked often. */
  figures(): Promise<FollowingFigures>;
}

export interface Census {
  /** Recipients that wait, by recipient domain. */
  readonly waiting: Iterable<readonly [domain: Domain | AddressLiteral, recipients: number]>;
  /** Whether every host that an answer leads to is down; undefined when it is not known. */
  isDown(domain: Domain | AddressLiteral, decision: RouteDecision): boolean | undefined | Promise<boolean | undefined>;
  /** Owners that did not answer. */
  readonly silentOwners: readonly string[];
}

export interface FollowingFigures {
  /** The oldest version that an owner goes by; 0 where there is no owner. */
  readonly version: number;
  /** Recipients that a version concerned and that were not looked up since. */
  readonly moving: number;
  readonly silentOwners: readonly string[];
}

/** A host that an answer leads to, in the order in which it would be tried. */
export interface ExplainedHost {
  readonly name: string;
  readonly address: string;
  readonly port: number;
  readonly priority: number;
  /** What stood in the way of an address. */
  readonly problem?: string;
  /** The kind of it (RFC 3463, RFC 7505): 4.4.3, 4.4.4, 4.7.5, 5.1.2, 5.1.10, 5.4.4. */
  readonly problemStatus?: EnhancedStatus;
  /** As of the last attempt of any worker. */
  readonly state: 'up' | 'down' | 'unknown';
  /** Down: not tried before. */
  readonly downUntil: number;
}

/** The limits that a worker keeps to. */
export interface DeliveryLimits {
  /** The row of the destination controls that says it; absent where it is `DEFAULT` or the settings. */
  readonly control?: string;
  readonly bounceProfile?: string;
  /** Recipients of the domain in so many minutes; absent: as many as there are. */
  readonly maxRecipients?: number;
  readonly windowMinutes?: number;
  readonly maxConnections: number;
  readonly messagesPerConnection: number;
  readonly tls: string;
  readonly dane: string;
  readonly mtaSts: string;
  readonly ipPreference: string;
  /** Whether envelope senders are tagged (R140). */
  readonly bounceVerification: boolean;
  readonly maxRetries: number;
  readonly maxAgeSeconds: number;
  readonly initialWaitSeconds: number;
  readonly maxWaitSeconds: number;
}

/** What the policy of a domain says (RFC 8461), or why there is none. */
export type ExplainedMtaSts =
  | { readonly mode: string; readonly mx: readonly string[]; readonly holdsUntil: number }
  | { readonly problem: string };

/** Asks the DNS what an answer leads to, without connecting to anything (R40). */
export type HostExplainer = (
  domain: Domain | AddressLiteral,
  decision: RouteDecision,
  controls: DeliveryControls,
) => Promise<{
  readonly hosts: readonly ExplainedHost[];
  readonly limits?: DeliveryLimits;
  /** Absent where none is looked for. */
  readonly mtaStsPolicy?: ExplainedMtaSts;
}>;

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

/** Names of the listeners of all processes that receive mail now; undefined where that is not known. */
export type ListenerDirectory = () => Promise<ReadonlySet<string> | undefined>;
