import { MtaError } from '@mailyard/mail';

/** A value while it is read off the wire. */
export type Mutable<T> = { -readonly [K in keyof T]: T[K] };

/** A record that lacks what makes it one. The codec turns it into an `Undecodable`. */
export function malformed(what: string): MtaError {
  return new MtaError('RECORD_MALFORMED', what);
}
