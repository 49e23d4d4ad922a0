import {
  LEASE_MS,
  type LimitAnswer,
  type LimitBoard,
  type LimitClaim,
  type RecipientAnswer,
  type RecipientStatement,
  RESET_REST_MS,
  type SlotAnswer,
  type SlotStatement,
} from '@mailyard/delivery-rules';

interface Window {
  endsAt: number;
  used: number;
  resetAt: number;
}

/** The limits that the workers of one process share; {@link of} is each worker's view. */
export class InProcessLimitBoard {
  /** Nobody reaches it. */
  isAway = false;
  readonly #expires = new Map<string, number>();
  readonly #held = new Map<string, Map<string, LimitClaim>>();
  readonly #windows = new Map<string, Window>();
  readonly #awaited = new Map<string, number>();
  readonly #now: () => number;

  /** @param now a clock that never jumps, in milliseconds */
  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
  }

  /** Forgets everything, as a store that lost its memory. */
  forget(): void {
    for (const known of [this.#expires, this.#held, this.#windows, this.#awaited]) known.clear();
  }

  /** @param who the worker's incarnation */
  of(who: string): LimitBoard {
    let since = 0;
    return {
      exchange: async (slots, recipients) => {
        if (this.isAway) throw new Error('the limit board is away');
        const answer = this.#exchange(who, since, slots, recipients);
        since = answer.now;
        return answer;
      },
      leave: async () => void this.#expires.delete(who),
    };
  }

  #exchange(
    who: string,
    since: number,
    slots: readonly SlotStatement[],
    recipients: readonly RecipientStatement[],
  ): LimitAnswer {
    const now = this.#now();
    const isNew = !((this.#expires.get(who) ?? 0) > now);
    this.#expires.set(who, now + LEASE_MS);
    const answers = slots.map((statement) => this.#hold(who, statement, now));
    const granted = recipients.map((statement) => this.#grant(statement, now));
    const awaited = [...this.#awaited].flatMap(([key, at]) => (at >= since ? [key] : []));
    return { isNew, now, awaited, slots: answers, recipients: granted };
  }

  #hold(who: string, { key, limit, inUse, want, hold }: SlotStatement, now: number): SlotAnswer {
    const claims = this.#held.get(key) ?? new Map<string, LimitClaim>();
    this.#held.set(key, claims);
    claims.delete(who);
    for (const other of claims.keys()) if (!((this.#expires.get(other) ?? 0) > now)) claims.delete(other);
    const others = [...claims.values()];
    const free = limit - others.reduce((sum, { held }) => sum + held, 0);
    const held = Math.max(inUse, Math.min(hold, Math.max(0, free)));
    if (held > 0 || want > 0) claims.set(who, { who, want, held });
    if (held < want) this.#awaited.set(key, now);
    return { held, others };
  }

  #grant(statement: RecipientStatement, now: number): RecipientAnswer {
    const { key, most, windowMs, ask, least, back, spent, isReset } = statement;
    const window = this.#windows.get(key) ?? { endsAt: 0, used: 0, resetAt: -Infinity };
    this.#windows.set(key, window);
    const isResetNow = isReset && now - window.resetAt >= RESET_REST_MS;
    if (isResetNow) window.resetAt = now;
    if (isResetNow || now >= window.endsAt) [window.endsAt, window.used] = [0, 0];
    if (back !== undefined && back.window === String(window.endsAt))
      window.used = Math.max(0, window.used - back.count);
    if (window.endsAt === 0 && (spent > 0 || ask > 0)) window.endsAt = now + windowMs;
    window.used += spent;
    const granted = Math.max(0, Math.min(ask, most - window.used));
    const given = granted >= least ? granted : 0;
    window.used += given;
    if (window.endsAt === 0) return { granted: 0, window: '', endsInMs: 0 };
    return { granted: given, window: String(window.endsAt), endsInMs: window.endsAt - now };
  }
}
