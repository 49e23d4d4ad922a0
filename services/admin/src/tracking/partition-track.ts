/**
 * Where the tracker stands in one partition, and what of the partition's own state decides about facts: the claim in
 * force (I3), the acceptance whose recipients are being read, the reports whose outcome took effect (I9). It is stored
 * with every commit, so that a tracker that starts anew goes on as if it had never stopped.
 */
import {
  acceptanceHolds,
  type Claim,
  type Incarnation,
  isFenced,
  MEMORY_MS,
  type MessageId,
  type QueueRecord,
} from '@mailyard/queue';
import { type Fact, recordOf } from './fact.ts';

/** As it is stored, in JSON. */
export interface PartitionPosition {
  /** The first offset that was not tracked yet. */
  readonly nextOffset: number;
  /** All records from this offset on were tracked; absent in what an earlier release stored. */
  readonly knownFrom?: number;
  readonly claim?: Omit<Claim, 'incarnation'>;
  readonly creation?: Creation;
  /** Id and append time. */
  readonly expectedReports?: readonly (readonly [string, number])[];
}

interface Creation {
  readonly message: string;
  readonly nextOffset: number;
  readonly left: number;
}

/** What is to become of a fact. */
export type Admission =
  | { readonly kind: 'apply'; readonly message: MessageId; readonly isFenced: boolean }
  /** A claim: what has its last full state below the mark has ended. */
  | { readonly kind: 'claim'; readonly mark: number }
  | { readonly kind: 'skip' };

const SKIP: Admission = { kind: 'skip' };

export class PartitionTrack {
  readonly partition: number;
  #nextOffset: number | undefined;
  #knownFrom: number | undefined;
  /** Up to where it had read when its log began anew. */
  #before: number | undefined;
  #claim: Claim | undefined;
  #creation: Creation | undefined;
  readonly #expectedReports: Map<string, number>;

  constructor(partition: number, position?: PartitionPosition) {
    this.partition = partition;
    this.#nextOffset = position?.nextOffset;
    this.#knownFrom = position === undefined ? 0 : position.knownFrom;
    this.#claim =
      position?.claim === undefined ? undefined : { ...position.claim, incarnation: 'unknown' as Incarnation };
    this.#creation = position?.creation;
    this.#expectedReports = new Map(position?.expectedReports);
  }

  /** Undefined before anything was read. */
  get nextOffset(): number | undefined {
    return this.#nextOffset;
  }

  /** All records from this offset on were tracked. Undefined when that is not known. */
  get knownFrom(): number | undefined {
    return this.#knownFrom;
  }

  position(): PartitionPosition {
    const { incarnation: _incarnation, ...claim } = this.#claim ?? { incarnation: undefined };
    return {
      nextOffset: this.#nextOffset ?? 0,
      ...(this.#knownFrom === undefined ? {} : { knownFrom: this.#knownFrom }),
      ...('term' in claim ? { claim } : {}),
      ...(this.#creation === undefined ? {} : { creation: this.#creation }),
      ...(this.#expectedReports.size === 0 ? {} : { expectedReports: [...this.#expectedReports] }),
    };
  }

  /** The log begins anew for this reader: offsets may fall back, and messages know by themselves what they have seen. */
  restart(): void {
    this.#before = this.#nextOffset ?? this.#before;
    this.#nextOffset = undefined;
    this.#claim = undefined;
    this.#creation = undefined;
  }

  /** The first of the offsets before this one that were never read here and are gone. Undefined when there is none. */
  gapBefore(offset: number): number | undefined {
    const expected = this.#nextOffset ?? this.#before ?? 0;
    if (expected >= offset) return undefined;
    this.#knownFrom = offset;
    return expected;
  }

  admit(fact: Fact): Admission {
    if (this.#nextOffset !== undefined && fact.offset < this.#nextOffset) return SKIP;
    this.#nextOffset = fact.offset + 1;
    if (this.#expectedReports.size > 0) this.#forgetReports(fact.appendTime - MEMORY_MS);
    if (fact.kind === 'RecipientQueued') return this.#queued(fact);
    if (fact.kind === 'Undecodable') return this.#undecodable(fact);
    this.#creation = undefined;
    if (fact.kind === 'PartitionClaimed') return this.#claimed(fact);
    if (fact.kind === 'MessageAccepted') return this.#accepted(fact);
    const { decision } = fact;
    const fenced = decision !== undefined && isFenced(this.#claim, decision, fact.appendTime);
    return { kind: 'apply', message: fact.message as MessageId, isFenced: fenced };
  }

  /** A bounce or expiry took effect that has a report: the report's acceptance, which follows, counts. */
  expectReport(fact: Fact): void {
    const record: QueueRecord = recordOf(fact);
    if (!('report' in record) || record.report === undefined) return;
    this.#expectedReports.set(record.report, fact.appendTime);
  }

  #accepted(fact: Fact): Admission {
    const isReport = fact.isIntricate;
    if (isReport) {
      if (!this.#expectedReports.delete(fact.message)) return SKIP;
    } else if (!acceptanceHolds(fact.at, fact.appendTime)) return SKIP;
    if (fact.recipient > 0)
      this.#creation = { message: fact.message, nextOffset: fact.offset + 1, left: fact.recipient };
    return { kind: 'apply', message: fact.message as MessageId, isFenced: false };
  }

  #queued(fact: Fact): Admission {
    const { message, offset } = fact;
    const creation = this.#creation;
    if (creation === undefined || creation.nextOffset !== offset || creation.message !== message) {
      this.#creation = undefined;
      return SKIP;
    }
    this.#nextOfCreation(creation);
    return { kind: 'apply', message: message as MessageId, isFenced: false };
  }

  /** It may be one of the recipients of the acceptance before it. */
  #undecodable({ offset }: Fact): Admission {
    const creation = this.#creation;
    if (creation?.nextOffset === offset) this.#nextOfCreation(creation);
    else this.#creation = undefined;
    return SKIP;
  }

  #nextOfCreation({ message, nextOffset, left }: Creation): void {
    this.#creation = left > 1 ? { message, nextOffset: nextOffset + 1, left: left - 1 } : undefined;
  }

  #claimed(fact: Fact): Admission {
    const record = recordOf(fact);
    if (record.type !== 'PartitionClaimed') return SKIP;
    const { incarnation, claim, mark } = record;
    this.#claim = { term: fact.offset, incarnation, claim, mark, appendTime: fact.appendTime };
    return { kind: 'claim', mark };
  }

  #forgetReports(horizon: number): void {
    for (const [report, at] of this.#expectedReports) if (at < horizon) this.#expectedReports.delete(report);
  }
}
