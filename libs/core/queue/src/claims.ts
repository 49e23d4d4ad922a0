import { type Instant, isWithin } from './instant.ts';
import type { Appended } from './ports.ts';
import type { Decision } from './records.ts';
import type { Rules } from './rules.ts';

/** One try of a claim: sent, perhaps acknowledged, perhaps read back. */
interface Try {
  readonly claim: number;
  readonly sent: Instant;
  /** Where the log says it put it. */
  acknowledged: number | undefined;
  /** Offset of its first copy that was read, and the run of own claims it belongs to. */
  read: { readonly offset: number; readonly run: number } | undefined;
  failed: boolean;
}

/** Own claims with no foreign one in between, as they were read. */
interface Run {
  readonly number: number;
  readonly firstTerm: number;
  readonly since: Instant;
}

/** A renewal that the log's replicas acknowledged and that was read back: what the final dot rests on (I4). */
interface Proof {
  readonly firstTerm: number;
  readonly term: number;
  readonly sent: Instant;
}

/**
 * The claims of one incarnation on one partition: when the next one is due (I2), since when it is in force (I5), and
 * how fresh the proof of that is (I4).
 */
export class Claims {
  readonly #rules: Rules;
  #assigned = false;
  /** Number of the first claim since the assignment, or since the state was dropped; earlier ones are history. */
  #first = 1;
  #last = 0;
  readonly #tries = new Map<number, Try>();
  #lastSent: Instant | undefined;
  #run: Run | undefined;
  #runs = 0;
  /** When the last claim read became a foreign one. */
  #foreignSince: Instant | undefined;
  #proof: Proof | undefined;

  constructor(rules: Rules) {
    this.#rules = rules;
  }

  get assigned(): boolean {
    return this.#assigned;
  }

  /** The run of own claims that is in force; undefined while the last claim read is not one of ours. */
  get run(): Run | undefined {
    return this.#run;
  }

  assign(): void {
    this.#assigned = true;
    this.startOver();
  }

  revoke(): void {
    this.#assigned = false;
    this.#run = undefined;
  }

  /** The state is read again from the start of the log: own claims met on the way are history. */
  startOver(): void {
    this.#first = this.#last + 1;
    this.#run = undefined;
    this.#foreignSince = undefined;
    this.#lastSent = undefined;
  }

  /** The number of the claim to append now, if one is due (I2). It counts as sent at `now`. */
  next(now: Instant, openTransactions: boolean): number | undefined {
    if (!this.#assigned || !this.#isDue(now, openTransactions)) return undefined;
    for (const [claim, { sent }] of this.#tries)
      if (!isWithin(sent, now, Math.max(this.#rules.proofMs, this.#rules.claimTryMs))) this.#tries.delete(claim);
    this.#last += 1;
    this.#lastSent = now;
    this.#tries.set(this.#last, {
      claim: this.#last,
      sent: now,
      acknowledged: undefined,
      read: undefined,
      failed: false,
    });
    return this.#last;
  }

  #isDue(now: Instant, openTransactions: boolean): boolean {
    const sent = this.#lastSent;
    if (sent === undefined) return true;
    const since = now.monotonic - sent.monotonic;
    const last = this.#tries.get(this.#last);
    // A refused try is repeated after a pause; one that is under way gets its time.
    if (last !== undefined && last.failed) return since >= 1_000;
    // So does one that the log holds, while a long log is still being read up to it.
    if (last !== undefined && last.read === undefined)
      return since >= (last.acknowledged === undefined ? this.#rules.claimTryMs : this.#rules.renewMs);
    if (this.#foreignSince !== undefined)
      return now.monotonic - this.#foreignSince.monotonic >= this.#rules.reclaimMs && since >= this.#rules.reclaimMs;
    return since >= (openTransactions ? this.#rules.renewOpenMs : this.#rules.renewMs);
  }

  acknowledged(claim: number, appended: Appended): void {
    const attempt = this.#tries.get(claim);
    if (attempt === undefined) return;
    attempt.acknowledged = appended.firstOffset;
    this.#prove(attempt);
  }

  failed(claim: number): void {
    const attempt = this.#tries.get(claim);
    if (attempt !== undefined && attempt.acknowledged === undefined) attempt.failed = true;
  }

  /** One of our claims was read at this offset. Tells whether a run began with it. */
  readOwn(claim: number, offset: number, now: Instant): boolean {
    if (claim < this.#first || !this.#assigned) {
      this.#run = undefined;
      return false;
    }
    this.#foreignSince = undefined;
    const began = this.#run === undefined;
    if (this.#run === undefined) {
      this.#runs += 1;
      this.#run = { number: this.#runs, firstTerm: offset, since: now };
    }
    const attempt = this.#tries.get(claim);
    if (attempt !== undefined) {
      if (attempt.read === undefined || attempt.acknowledged === offset)
        attempt.read = { offset, run: this.#run.number };
      this.#prove(attempt);
    }
    return began;
  }

  /** A foreign claim was read. Tells whether a run ended with it. */
  readForeign(now: Instant): boolean {
    const ended = this.#run !== undefined;
    this.#run = undefined;
    this.#foreignSince = now;
    return ended;
  }

  #prove(attempt: Try): void {
    const { read, acknowledged, sent } = attempt;
    if (this.#run === undefined || read === undefined || read.run !== this.#run.number) return;
    if (acknowledged !== read.offset) return;
    if (this.#proof !== undefined && this.#proof.sent.monotonic > sent.monotonic) return;
    this.#proof = { firstTerm: this.#run.firstTerm, term: read.offset, sent };
  }

  /**
   * Whether the final dot of an attempt may go out (I4): yes while the proof is fresh, wait while a renewal can still
   * bring one, no once it cannot, since a foreign claim lies behind the attempt's term.
   */
  mayEnd(attempt: Decision, now: Instant): 'yes' | 'wait' | 'no' {
    const proof = this.#proof;
    if (
      proof !== undefined &&
      proof.firstTerm <= attempt.term &&
      attempt.term <= proof.term &&
      isWithin(proof.sent, now, this.#rules.proofMs)
    )
      return 'yes';
    const run = this.#run;
    return this.#assigned && run !== undefined && run.firstTerm <= attempt.term ? 'wait' : 'no';
  }
}
