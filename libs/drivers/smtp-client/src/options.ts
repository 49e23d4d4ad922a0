/** How long each step may take, in milliseconds. */
export interface Timeouts {
  readonly connect: number;
  readonly greeting: number;
  readonly ehlo: number;
  readonly startTls: number;
  readonly auth: number;
  readonly mail: number;
  readonly rcpt: number;
  /** From DATA to the 354. */
  readonly dataInitiation: number;
  /** For the kernel to take the next piece of content. */
  readonly dataBlock: number;
  /** For all of the content: what bounds a host that takes an octet a second. */
  readonly content: number;
  /** From the final dot to its reply. */
  readonly dataTermination: number;
  readonly quit: number;
}

/** RFC 5321 §4.5.3.2 where it names one. */
export const TIMEOUTS: Timeouts = {
  connect: 30_000,
  greeting: 300_000,
  ehlo: 300_000,
  startTls: 120_000,
  auth: 120_000,
  mail: 300_000,
  rcpt: 300_000,
  dataInitiation: 120_000,
  dataBlock: 180_000,
  content: 3_600_000,
  dataTermination: 600_000,
  quit: 5_000,
};
