/** Octets of one block. */
export const BLOCK_OCTETS = 262_144;
/** Free blocks that are kept: three each for forty large messages at once. */
const MOST_FREE = 128;

const free: Buffer[] = [];

/**
 * Blocks that bodies pass through on their way to the body store, used again and again: new ones for each body are memory
 * outside V8's heap, for the sake of which it collects garbage over and over.
 */
export const BLOCKS = {
  /** A block with whatever was in it before. */
  take: (): Buffer => free.pop() ?? Buffer.allocUnsafeSlow(BLOCK_OCTETS),

  /** Takes back a block that nobody looks into any more; others are forgotten. */
  give(block: Buffer): void {
    if (block.length === BLOCK_OCTETS && free.length < MOST_FREE) free.push(block);
  },
} as const;
