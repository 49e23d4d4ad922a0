import type { DkimProfile } from '@mailyard/configuration';

/** Signs messages by profiles; what stands behind it has the keys. */
export interface DkimSigner {
  /** Begins with a message that these profiles sign: one at least. */
  begin(profiles: readonly DkimProfile[]): DkimSigning;
}

/** The signing of one message. Its body comes once, in pieces, and is not kept. */
export interface DkimSigning {
  /** Takes the next octets of the body: what stands behind the empty line, dots not stuffed. They are only lent. */
  body(piece: Uint8Array): void;
  /**
   * Ends the body at the first call, and signs it under a header section; a message may have several copies with one body.
   *
   * @param header without the empty line that ends it
   * @param at milliseconds of the epoch
   */
  sign(header: Uint8Array, at: number): Promise<Signed>;
}

export interface Signed {
  /** DKIM-Signature fields, to stand in front of the header; empty where nothing was signed. */
  readonly fields: Uint8Array;
  /** Profiles that signed, by name. */
  readonly by: readonly string[];
  /** A profile without a key that can be used, whose mail must not go out without its signature. */
  readonly missing?: string;
}

/** Signs a report of our own, where a profile is for its author; resolves to fields to stand in front, none at worst. */
export type ReportSigner = (content: Uint8Array, at: number) => Promise<Uint8Array>;
