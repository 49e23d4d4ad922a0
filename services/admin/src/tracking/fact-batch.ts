/**
 * Records on their way from the thread that reads the log to the one that keeps the read model: numbers in columns,
 * octets in one piece. It is moved, not copied.
 */
import { WireWriter, writeRecord } from '@mailyard/contracts';
import type { Decision, LoggedRecord, MessageId } from '@mailyard/queue';
import { type Fact, factOf, KINDS, withoutBodies } from './fact.ts';

export interface FactBatch {
  readonly partition: number;
  readonly count: number;
  /** {@link WIDTH} numbers a fact. */
  readonly numbers: Float64Array<ArrayBuffer>;
  /** For each fact its message id, when it has one, and then its record. */
  readonly octets: Uint8Array<ArrayBuffer>;
}

const WIDTH = 14;
const ID_LENGTH = 26;
const NUMBERS: Readonly<Record<string, number>> = Object.fromEntries(KINDS.map((kind, number) => [kind, number]));
/** Stands for what is absent: no sequence and no search term is negative. */
const NONE = -1;
const NO_OCTETS = new Uint8Array(0);

/** Collects records of one partition. */
export class FactBatchWriter {
  readonly #writer = new WireWriter(65_536);
  #numbers = new Float64Array(256 * WIDTH);
  #count = 0;

  get count(): number {
    return this.#count;
  }

  get sizeOctets(): number {
    return this.#writer.position;
  }

  add(logged: LoggedRecord): void {
    const fact = factOf(logged, NO_OCTETS);
    const w = this.#writer;
    if (fact.message !== '') {
      w.reserve(ID_LENGTH);
      w.position += w.octets.write(fact.message, w.position, 'latin1');
    }
    if (logged.record.type !== 'Undecodable') writeRecord(w, withoutBodies(logged.record));
    this.#put(fact, w.position);
    this.#count += 1;
  }

  #put(fact: Fact, end: number): void {
    let at = this.#count * WIDTH;
    if (at + WIDTH > this.#numbers.length) {
      const larger = new Float64Array(this.#numbers.length * 2);
      larger.set(this.#numbers);
      this.#numbers = larger;
    }
    const n = this.#numbers;
    n[at++] = NUMBERS[fact.kind]!;
    n[at++] = fact.offset;
    n[at++] = fact.appendTime;
    n[at++] = fact.at;
    n[at++] = fact.recipient;
    n[at++] = fact.attempt?.term ?? NONE;
    n[at++] = fact.attempt?.sequence ?? NONE;
    n[at++] = fact.decision?.term ?? NONE;
    n[at++] = fact.decision?.sequence ?? NONE;
    n[at++] = fact.dueAt;
    n[at++] =
      (fact.outcomeUnknown ? 1 : 0) +
      (fact.isIntricate ? 2 : 0) +
      (fact.message === '' ? 4 : 0) +
      (fact.isExpanded ? 8 : 0);
    n[at++] = fact.terms[0] ?? NONE;
    n[at++] = fact.terms[1] ?? NONE;
    n[at] = end;
  }

  /** What was collected, as buffers of its own; the writer is empty then. */
  take(partition: number): FactBatch {
    const batch = {
      partition,
      count: this.#count,
      numbers: this.#numbers.slice(0, this.#count * WIDTH),
      octets: new Uint8Array(this.#writer.octets.subarray(0, this.#writer.position)),
    };
    this.#count = 0;
    this.#writer.position = 0;
    return batch;
  }
}

/** The facts of a batch, in order. */
export function* readFacts({ count, numbers, octets }: FactBatch): Iterable<Fact> {
  const text = Buffer.from(octets.buffer, octets.byteOffset, octets.length);
  let from = 0;
  for (let i = 0; i < count; i++) {
    const at = i * WIDTH;
    const end = numbers[at + 13]!;
    const flags = numbers[at + 10]!;
    const start = (flags & 4) === 0 ? from + ID_LENGTH : from;
    yield {
      kind: KINDS[numbers[at]!]!,
      offset: numbers[at + 1]!,
      appendTime: numbers[at + 2]!,
      message: (start === from ? '' : text.toString('latin1', from, start)) as MessageId | '',
      at: numbers[at + 3]!,
      recipient: numbers[at + 4]!,
      attempt: decisionAt(numbers, at + 5),
      decision: decisionAt(numbers, at + 7),
      dueAt: numbers[at + 9]!,
      outcomeUnknown: (flags & 1) !== 0,
      isIntricate: (flags & 2) !== 0,
      isExpanded: (flags & 8) !== 0,
      terms: termsAt(numbers, at + 11),
      octets: octets.subarray(start, end),
    };
    from = end;
  }
}

const NO_TERMS: readonly number[] = [];

function termsAt(numbers: Float64Array, at: number): readonly number[] {
  const first = numbers[at]!;
  if (first === NONE) return NO_TERMS;
  const second = numbers[at + 1]!;
  return second === NONE ? [first] : [first, second];
}

function decisionAt(numbers: Float64Array, at: number): Decision | undefined {
  const term = numbers[at]!;
  return term === NONE ? undefined : { term, sequence: numbers[at + 1]! };
}
