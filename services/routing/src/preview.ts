import { setImmediate as turn } from 'node:timers/promises';
import { type ConfigurationState, routeTableOf } from '@mailyard/configuration';
import { isSameTarget, printTarget, type RouteDecision } from '@mailyard/smtp-routes';
import type { Census } from './ports.ts';

/** What a change would do to the recipients that wait now. */
export interface WaitingMail {
  readonly waiting: number;
  /** Recipients that would go elsewhere. */
  readonly moved: number;
  readonly moves: readonly { readonly from: string; readonly to: string; readonly recipients: number }[];
  /** Of the moved: away from hosts that are down. */
  readonly freed: number;
  /** Of the moved: to hosts that are down. */
  readonly stranded: number;
  /** Of the moved: dropped. */
  readonly discarded: number;
  /** Owners that did not answer: what they hold is missing. */
  readonly silentOwners: readonly string[];
}

/** Domains that are looked up in one turn of the event loop: one or two milliseconds. */
const DOMAINS_AT_ONCE = 500;

/**
 * Compares, for every recipient domain that has waiting mail, where it goes now and where it would go. There may be very
 * many: others get their turn in between.
 */
export async function previewWaitingMail(
  before: ConfigurationState,
  after: ConfigurationState,
  census: Census,
): Promise<WaitingMail> {
  const [now, then] = [routeTableOf(before), routeTableOf(after)];
  const moves = new Map<string, { from: string; to: string; recipients: number }>();
  let [waiting, moved, freed, stranded, discarded] = [0, 0, 0, 0, 0];
  let looked = 0;
  for (const [domain, recipients] of census.waiting) {
    looked += 1;
    if (looked % DOMAINS_AT_ONCE === 0) await turn();
    waiting += recipients;
    const [old, next] = [now.lookup(domain), then.lookup(domain)];
    if (isSameTarget(old.target, next.target)) continue;
    moved += recipients;
    if (next.target.kind === 'null') discarded += recipients;
    let wasDown = census.isDown(domain, old);
    let isDown = census.isDown(domain, next);
    // Nearly all is known at once, of very many domains.
    if (wasDown instanceof Promise) wasDown = await wasDown;
    if (isDown instanceof Promise) isDown = await isDown;
    if (wasDown === true && isDown !== true) freed += recipients;
    if (isDown === true && wasDown !== true) stranded += recipients;
    const [from, to] = [printAnswer(old), printAnswer(next)];
    const move = moves.get(`${from}\n${to}`);
    if (move === undefined) moves.set(`${from}\n${to}`, { from, to, recipients });
    else move.recipients += recipients;
  }
  const sorted = [...moves.values()].sort((a, b) => b.recipients - a.recipients);
  return { waiting, moved, moves: sorted, freed, stranded, discarded, silentOwners: census.silentOwners };
}

/** Where an answer leads, as the table writes it; `DNS` for the recipient domain's own exchangers. */
export function printAnswer({ target }: RouteDecision): string {
  if (target.kind === 'usedns') return 'DNS';
  return printTarget(target).join(', ');
}
