import { isRemarkCode, makeRemark, type Remark, type RemarkParameters } from '@mailyard/mail';

/** Something that the read model does not know, and why. */
export interface TrackingNote {
  /** When it was noted; absent where it holds at any time. */
  readonly at?: number;
  readonly remark: Remark;
}

/** A note as it is kept: JSON of code and parameters. One from before there were codes is its text. */
export function readNote(text: string): Remark {
  try {
    const { code, parameters } = JSON.parse(text) as { readonly code: string; readonly parameters: RemarkParameters };
    if (isRemarkCode(code)) return makeRemark(code, parameters);
  } catch {
    // Not JSON.
  }
  return makeRemark('TRACKING_NOTE', { text });
}

/** For a terminal. */
export function noteText({ at, remark }: TrackingNote): string {
  return at === undefined ? remark.message : `${new Date(at).toISOString()} ${remark.message}`;
}
