import { type ConfigurationState, routeTableOf } from '@mailyard/configuration';
import {
  isSameTarget,
  printAnswer,
  type RouteDecision,
  type RouteTable,
  type RouteTarget,
} from '@mailyard/smtp-routes';
import { Pace } from '@mailyard/telemetry';
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

interface Move {
  readonly from: string;
  readonly to: string;
  recipients: number;
}

/** A version and what would follow it, as lookups need them: made once, however often the mail that waits is compared. */
export class ComparedTables {
  readonly before: RouteTable;
  readonly after: RouteTable;

  constructor(before: ConfigurationState, after: ConfigurationState) {
    this.before = routeTableOf(before);
    this.after = routeTableOf(after);
  }

  /**
   * Compares, for every recipient domain that has waiting mail, where it goes now and where it would go. There may be
   * very many: others get their turn in between.
   */
  async preview(census: Census): Promise<WaitingMail> {
    const pace = new Pace();
    // An entry has one target, whose text need not be made for each of its domains.
    const moves = new Map<RouteTarget, Map<RouteTarget, Move>>();
    let [waiting, moved, freed, stranded, discarded] = [0, 0, 0, 0, 0];
    for (const [domain, recipients] of census.waiting) {
      if (pace.isOver) await pace.rest();
      waiting += recipients;
      const [old, next] = [this.before.lookup(domain), this.after.lookup(domain)];
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
      moveOf(moves, old, next).recipients += recipients;
    }
    const { silentOwners } = census;
    return { waiting, moved, moves: byText(moves), freed, stranded, discarded, silentOwners };
  }
}

function moveOf(moves: Map<RouteTarget, Map<RouteTarget, Move>>, old: RouteDecision, next: RouteDecision): Move {
  let away = moves.get(old.target);
  if (away === undefined) moves.set(old.target, (away = new Map()));
  let move = away.get(next.target);
  if (move === undefined)
    away.set(next.target, (move = { from: printAnswer(old), to: printAnswer(next), recipients: 0 }));
  return move;
}

/** Those that read the same as one, most recipients first. */
function byText(moves: ReadonlyMap<RouteTarget, ReadonlyMap<RouteTarget, Move>>): readonly Move[] {
  const found = new Map<string, Move>();
  for (const away of moves.values())
    for (const { from, to, recipients } of away.values()) {
      const text = `${from}\n${to}`;
      const move = found.get(text);
      if (move === undefined) found.set(text, { from, to, recipients });
      else move.recipients += recipients;
    }
  return [...found.values()].sort((a, b) => b.recipients - a.recipients);
}
