import type { AddressLiteral, Domain } from '@mailyard/mail';

/** A receiving domain as an entry has it: `example.com`, `.example.com`, `[192.0.2.1]`, or the default `ALL` (R7). */
export type ReceivingDomain = (string & { readonly __brand: 'ReceivingDomain' }) | 'ALL';

/**
 * One destination host of an entry (R10 to R15): a name whose MX is looked up, a name in brackets that takes its
 * addresses only, or an IP address.
 */
export interface DestinationHost {
  /** `mx`: MX then addresses; `name`: addresses only (`[host]`, R14); `address`: no lookup. */
  readonly lookup: 'mx' | 'name' | 'address';
  /** Host name in A-labels, or canonical address text without brackets. */
  readonly host: string;
  /** 1 to 65535. */
  readonly port: number;
  /** 0 is the best (R15). */
  readonly priority: number;
}

/** Where mail for a receiving domain goes. An empty `ALL` is `usedns` in effect (R5). */
export type RouteTarget =
  | { readonly kind: 'hosts'; readonly hosts: readonly DestinationHost[]; readonly authProfile?: string }
  | { readonly kind: 'usedns' }
  | { readonly kind: 'null' };

/** An entry of the SMTP route table (R1). */
export interface SmtpRoute {
  readonly receivingDomain: ReceivingDomain;
  readonly target: RouteTarget;
  /** The spelling that was typed, for display (R20). */
  readonly typedDomain?: string;
}

/** `covering`: an entry without a dot also matches every domain below it (R31); `dotted`: only itself (R37). */
export type MatchingMode = 'covering' | 'dotted';

/** The answer to a lookup: what takes the recipient, and which entry said so at which version. */
export interface RouteDecision {
  readonly version: number;
  /** The entry as printed (`.example.com`, `ALL`), or `DNS` when none matched. */
  readonly matched: string;
  readonly target: RouteTarget;
  /**
   * The newest version that may have changed this answer. A recipient whose last recorded route version is older is
   * due again under the new one (I11). Absent where it is not known.
   */
  readonly since?: number;
}

/**
 * Where ingress and delivery ask for routes: a cache in front of routing, with exact invalidation.
 *
 * `unknown` (routing away and nothing cached, or no table yet) is temporary and never "not found".
 */
export interface RouteLookup {
  /** Answers from what is known here, at once; undefined = not cached, ask {@link lookup}. */
  peek(domain: Domain | AddressLiteral): RouteDecision | undefined;
  lookup(domain: Domain | AddressLiteral): Promise<RouteDecision | 'unknown'>;
  /** Called after each committed version with a test of which recipient domains it concerns (I11). */
  onChange(listener: (version: number, concerns: (domain: Domain | AddressLiteral) => boolean) => void): void;
  /** The version that answers are at least as new as. 0 = no table yet. */
  readonly version: number;
}
