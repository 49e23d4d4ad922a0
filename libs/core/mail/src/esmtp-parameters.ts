import { type Reply, reply } from './reply.ts';
import { isXtext } from './xtext.ts';

/** What MAIL said behind the path. */
export interface MailParameters {
  /** What the client declared (RFC 1870). */
  readonly sizeOctets?: number;
  readonly eightBit: boolean;
  readonly binary: boolean;
  readonly smtpUtf8: boolean;
  readonly ret?: 'FULL' | 'HDRS';
  /** In its xtext form. */
  readonly envid?: string;
}

/** What RCPT said behind the path. */
export interface RcptParameters {
  /** `NEVER`, or `SUCCESS`, `FAILURE`, `DELAY` joined by commas, in capitals. */
  readonly notify?: string;
  /** `addr-type;xtext` */
  readonly orcpt?: string;
}

type Writable<T> = { -readonly [K in keyof T]: T[K] };

const TOO_LARGE_TO_READ = 20;

/**
 * Reads the parameters of MAIL.
 *
 * @param rest what stood behind the path: blank-separated `KEYWORD[=VALUE]`
 * @param offers `authentication`: AUTH is offered, and its parameter taken
 * @returns a reply when one is malformed (501), unknown (555) or stands there twice (501)
 * @see RFC 5321 §4.1.2, RFC 1870, RFC 6152, RFC 6531, RFC 3461 §4.3, §4.4, RFC 4954 §5
 */
export function readMailParameters(
  rest: string,
  { authentication = false }: { readonly authentication?: boolean } = {},
): MailParameters | Reply {
  const result: Writable<MailParameters> = { eightBit: false, binary: false, smtpUtf8: false };
  const refused = eachParameter(rest, (keyword, value) => {
    switch (keyword) {
      case 'SIZE':
        if (value === undefined || value.length > TOO_LARGE_TO_READ || !/^\d+$/.test(value)) return malformed(keyword);
        result.sizeOctets = Number(value);
        return undefined;
      case 'BODY':
        if (!/^(?:7BIT|8BITMIME)$/i.test(value ?? '')) return malformed(keyword);
        result.eightBit = value!.length === 8;
        return undefined;
      case 'SMTPUTF8':
        if (value !== undefined) return malformed(keyword);
        result.smtpUtf8 = true;
        return undefined;
      case 'RET': {
        const word = value?.toUpperCase();
        if (word !== 'FULL' && word !== 'HDRS') return malformed(keyword);
        result.ret = word;
        return undefined;
      }
      case 'ENVID':
        if (value === undefined || value === '' || value.length > 100 || !isXtext(value)) return malformed(keyword);
        result.envid = value;
        return undefined;
      // Who the client says has sent it: nobody's word is taken for that, and it is not passed on (RFC 4954 §5).
      case 'AUTH':
        if (!authentication) return unknown(keyword);
        return value === undefined || value === '' || value.length > 500 || !isXtext(value)
          ? malformed(keyword)
          : undefined;
      default:
        return unknown(keyword);
    }
  });
  return refused ?? result;
}

/**
 * Reads the parameters of RCPT.
 *
 * @returns a reply when one is malformed, unknown or repeated; NEVER stands alone
 * @see RFC 3461 §4.1, §4.2
 */
export function readRcptParameters(rest: string): RcptParameters | Reply {
  const result: Writable<RcptParameters> = {};
  const refused = eachParameter(rest, (keyword, value) => {
    switch (keyword) {
      case 'NOTIFY': {
        const words = value?.toUpperCase().split(',') ?? [];
        const known = words.every((word) => word === 'SUCCESS' || word === 'FAILURE' || word === 'DELAY');
        const never = words.length === 1 && words[0] === 'NEVER';
        if (words.length === 0 || new Set(words).size !== words.length || !(known || never)) return malformed(keyword);
        result.notify = words.join(',');
        return undefined;
      }
      case 'ORCPT': {
        const semicolon = value?.indexOf(';') ?? -1;
        if (value === undefined || value.length > 500 || semicolon < 1) return malformed(keyword);
        if (!/^[A-Za-z0-9-]+$/.test(value.slice(0, semicolon)) || !isXtext(value.slice(semicolon + 1)))
          return malformed(keyword);
        result.orcpt = value;
        return undefined;
      }
      default:
        return unknown(keyword);
    }
  });
  return refused ?? result;
}

function eachParameter(
  rest: string,
  take: (keyword: string, value: string | undefined) => Reply | undefined,
): Reply | undefined {
  if (rest === '') return undefined;
  const seen = new Set<string>();
  for (const word of rest.split(' ')) {
    if (word === '') continue;
    const equals = word.indexOf('=');
    const keyword = (equals < 0 ? word : word.slice(0, equals)).toUpperCase();
    if (!/^[A-Z0-9][A-Z0-9-]*$/.test(keyword)) return reply(501, '5.5.4', 'malformed parameter');
    if (seen.has(keyword)) return reply(501, '5.5.4', `${keyword} stands there twice`);
    seen.add(keyword);
    const refused = take(keyword, equals < 0 ? undefined : word.slice(equals + 1));
    if (refused !== undefined) return refused;
  }
  return undefined;
}

function malformed(keyword: string): Reply {
  return reply(501, '5.5.4', `${keyword} has no such value`);
}

function unknown(keyword: string): Reply {
  return reply(555, '5.5.4', `${keyword.slice(0, 40)} is not known here`);
}
