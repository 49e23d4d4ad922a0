import { HEADER_LIMIT } from '@mailyard/mail';
import { HEADER_END } from './message-header.ts';

/** Keeps the header section of content that passes by in blocks, and nothing behind it. */
export class HeadKeeper {
  octets: Buffer = Buffer.alloc(0);
  #isWhole = false;

  /** @param block the next of the content; a copy is kept of what is needed */
  add(block: Buffer): void {
    if (this.#isWhole) return;
    // Most header sections end in the first block, which then is not copied.
    const octets = this.octets.length === 0 ? block : Buffer.concat([this.octets, block]);
    const end = octets.indexOf(HEADER_END);
    this.octets = Buffer.from(end < 0 ? octets : octets.subarray(0, end + HEADER_END.length));
    this.#isWhole = end >= 0 || octets.length > HEADER_LIMIT;
  }
}
