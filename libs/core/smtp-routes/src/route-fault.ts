/** Why an entry, a destination or a file is refused. Stable: programs and people match on these (R23). */
export type RouteFaultCode =
  | 'ROUTE_DOMAIN_INVALID'
  | 'ROUTE_DEST_INVALID'
  | 'ROUTE_DEST_RESERVED'
  | 'ROUTE_PORT_RANGE'
  | 'ROUTE_PRI_RANGE'
  | 'ROUTE_KEYWORD_NOT_ALONE'
  | 'ROUTE_DUPLICATE'
  | 'ROUTE_DEST_DUPLICATE'
  | 'ROUTE_LIMIT'
  | 'ROUTE_NOT_FOUND'
  | 'ROUTE_DEFAULT_UNDELETABLE'
  | 'ROUTE_AUTH_PROFILE_UNKNOWN'
  | 'ROUTE_FILE_INVALID'
  | 'ROUTE_NOT_CONVERTIBLE';

/** One fault of an entry. A reader of entries reports all of them, not the first only. */
export interface RouteFault {
  readonly code: RouteFaultCode;
  /** The offending piece of the input, cut to {@link TOKEN_LIMIT} characters, control characters replaced. */
  readonly token: string;
  /** One sentence in plain words, with a hint where there is one. */
  readonly message: string;
  /** Which part of the entry: `receivingDomain`, `destinations[2]`, `authProfile`. */
  readonly field: string;
  /** Line of the file, from 1. */
  readonly line?: number;
}

/** The most characters of the input that a fault repeats. */
export const TOKEN_LIMIT = 120;

const UNPRINTABLE = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu;

/** Makes a fault; what it repeats of the input is safe to print on a terminal. */
export function routeFault(code: RouteFaultCode, field: string, token: string, message: string): RouteFault {
  const cut = token.length > TOKEN_LIMIT ? `${token.slice(0, TOKEN_LIMIT)}…` : token;
  return { code, token: cut.replaceAll(UNPRINTABLE, '\u{FFFD}'), message, field };
}
