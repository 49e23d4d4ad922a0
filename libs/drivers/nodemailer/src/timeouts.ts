/** How long each part of a session may take, in milliseconds. */
export interface NodemailerTimeouts {
  readonly connect: number;
  /** From the connection to a session that takes mail. */
  readonly opening: number;
  /** Between two octets from the host. */
  readonly silence: number;
  /** A whole transaction. */
  readonly transaction: number;
  readonly quit: number;
}

export const TIMEOUTS: NodemailerTimeouts = {
  connect: 30_000,
  opening: 600_000,
  silence: 600_000,
  transaction: 3_600_000,
  quit: 5_000,
};
