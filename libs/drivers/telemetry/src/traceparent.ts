/**
 * W3C trace context: `00-<trace id>-<span id>-<flags>`.
 *
 * @see https://www.w3.org/TR/trace-context/#traceparent-header
 */
export interface TraceContext {
  /** 32 hexadecimal digits. */
  readonly traceId: string;
  /** 16 hexadecimal digits. */
  readonly spanId: string;
  readonly sampled: boolean;
}

const PATTERN = /^00-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-([0-9a-f]{2})$/;

/** Reads a traceparent. Undefined when it is none of version 00, or one of its ids is zero. */
export function parseTraceparent(text: string): TraceContext | undefined {
  const match = PATTERN.exec(text);
  if (match === null) return undefined;
  return { traceId: match[1]!, spanId: match[2]!, sampled: (Number.parseInt(match[3]!, 16) & 1) === 1 };
}

/**
 * Whether a trace belongs to a share of all. By its id, so that every process that sees a part of it decides alike; a
 * larger share holds all traces of a smaller one.
 */
export function isInShare(traceId: string, share: number): boolean {
  return share >= 1 || Number.parseInt(traceId.slice(19), 16) < share * 2 ** 52;
}

/** Makes ids of spans from a pool of random octets that is filled now and then: a system call each would cost more. */
export class SpanIds {
  readonly #fill: (pool: Buffer) => void;
  readonly #pool = Buffer.allocUnsafeSlow(4_096);
  #used = this.#pool.length;

  /** @param fill fills a buffer with random octets */
  constructor(fill: (pool: Buffer) => void) {
    this.#fill = fill;
  }

  next(): string {
    for (;;) {
      if (this.#used + 8 > this.#pool.length) {
        this.#fill(this.#pool);
        this.#used = 0;
      }
      const id = this.#pool.toString('hex', this.#used, this.#used + 8);
      this.#used += 8;
      // An id of zeros is void.
      if (/[1-9a-f]/.test(id)) return id;
    }
  }
}
