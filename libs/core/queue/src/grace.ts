import type { Instant } from './instant.ts';
import type { Incarnation } from './records.ts';
import type { Rules } from './rules.ts';

export type PresenceState = 'present' | 'absent' | 'unknown';

/**
 * How long attempts of other incarnations are waited for (I5). Their worker may be past the final dot: its outcome is
 * still to come, or it died with it.
 */
export class Grace {
  readonly #rules: Rules;
  readonly #absentSince = new Map<Incarnation, Instant>();

  constructor(rules: Rules) {
    this.#rules = rules;
  }

  /** What is known of an incarnation now. 'unknown' is never taken for absence. */
  observe(incarnation: Incarnation, state: PresenceState, now: Instant): void {
    if (state !== 'absent') this.#absentSince.delete(incarnation);
    else if (!this.#absentSince.has(incarnation)) this.#absentSince.set(incarnation, now);
  }

  /** Milliseconds from `now` until attempts of this incarnation are no longer waited for; 0 when they are not now. */
  remaining(incarnation: Incarnation, ownedSince: Instant, now: Instant): number {
    const { absentGraceMs, presentGraceMs } = this.#rules;
    const most = presentGraceMs - (now.monotonic - ownedSince.monotonic);
    const absentSince = this.#absentSince.get(incarnation);
    if (absentSince === undefined) return Math.max(0, most);
    const from = Math.max(absentSince.monotonic, ownedSince.monotonic);
    return Math.max(0, Math.min(most, absentGraceMs - (now.monotonic - from)));
  }

  /** Keeps only those that matter still. */
  keep(incarnations: ReadonlySet<Incarnation>): void {
    for (const incarnation of this.#absentSince.keys())
      if (!incarnations.has(incarnation)) this.#absentSince.delete(incarnation);
  }
}
