/**
 * The server's side of SASL exchanges, without a socket or a clock: responses go in, what is to be said or asked comes out.
 *
 * @see RFC 4954, RFC 4616 (PLAIN), draft-murchison-sasl-login (LOGIN), RFC 5802 and RFC 7677 (SCRAM-SHA-256)
 */
import { isProof, normalise, type ScramKeys, signatureOf } from '@mailyard/credentials';
import { decodeUtf8 } from '@mailyard/mail';

export type MechanismName = 'SCRAM-SHA-256' | 'PLAIN' | 'LOGIN';

/** The strongest first. */
export const MECHANISMS: readonly MechanismName[] = ['SCRAM-SHA-256', 'PLAIN', 'LOGIN'];

/** What a client gives to show who it is. */
export type Evidence =
  | { readonly mechanism: 'PLAIN' | 'LOGIN'; readonly name: string; readonly password: string }
  /** Whether the client proved that it knows the password of these keys. */
  | {
      readonly mechanism: 'SCRAM-SHA-256';
      readonly name: string;
      readonly keys: ScramKeys;
      readonly isProven: boolean;
    };

export type SaslStep =
  | { readonly kind: 'challenge'; readonly text: string }
  /** Find the keys of a name; then {@link Exchange.keysFound}. */
  | { readonly kind: 'keys'; readonly name: string }
  /** Judge this; where it is good, {@link Exchange.accepted}. */
  | { readonly kind: 'judge'; readonly evidence: Evidence }
  | { readonly kind: 'done' }
  | { readonly kind: 'malformed' };

export interface Exchange {
  /** What is said where the client sends no initial response. */
  readonly prompt: string;
  /** @param response octets as characters */
  respond(response: string): SaslStep;
  keysFound?(keys: ScramKeys): SaslStep;
  /** The evidence is good: the end, or what the client wants to know before it. */
  accepted(): SaslStep;
}

const DONE: SaslStep = { kind: 'done' };
const MALFORMED: SaslStep = { kind: 'malformed' };

/** @param nonce printable US-ASCII without a comma, new for each exchange */
export function beginExchange(mechanism: MechanismName, nonce: () => string): Exchange {
  switch (mechanism) {
    case 'PLAIN':
      return plain();
    case 'LOGIN':
      return login();
    case 'SCRAM-SHA-256':
      return scram(nonce());
  }
}

function plain(): Exchange {
  return {
    prompt: '',
    respond(response) {
      const [actsFor, name, password, ...rest] = decodeUtf8(response)?.split('\0') ?? [];
      if (actsFor === undefined || name === undefined || password === undefined || rest.length > 0) return MALFORMED;
      // Nobody acts for another.
      return actsFor === '' || actsFor === name ? judge('PLAIN', name, password) : MALFORMED;
    },
    accepted: () => DONE,
  };
}

function login(): Exchange {
  let name: string | undefined;
  return {
    prompt: 'Username:',
    respond(response) {
      const text = decodeUtf8(response);
      if (text === undefined) return MALFORMED;
      if (name !== undefined) return judge('LOGIN', name, text);
      name = text;
      return { kind: 'challenge', text: 'Password:' };
    },
    accepted: () => DONE,
  };
}

function judge(mechanism: 'PLAIN' | 'LOGIN', name: string, password: string): SaslStep {
  return { kind: 'judge', evidence: { mechanism, name, password } };
}

/** The client's first message: nobody to act for but itself, no channel binding (`p=` would ask for it). */
const CLIENT_FIRST = /^([ny],(?:a=([^,]*))?,)(n=([^,]*),r=([\x21-\x2b\x2d-\x7e]+)(?:,.*)?)$/su;
const CLIENT_FINAL = /^(c=([A-Za-z0-9+/=]+),r=([\x21-\x2b\x2d-\x7e]+)(?:,.*)?),p=([A-Za-z0-9+/]{43}=)$/su;

function scram(nonce: string): Exchange {
  let binding = '';
  let bare = '';
  let name = '';
  let wholeNonce = '';
  let serverFirst = '';
  let authMessage = '';
  let keys: ScramKeys | undefined;
  let isAccepted = false;

  const first = (text: string): SaslStep => {
    const match = CLIENT_FIRST.exec(text);
    const [decoded, actsFor] = [readName(match?.[4] ?? ''), readName(match?.[2] ?? '')];
    if (match === null || decoded === undefined || decoded === '' || (actsFor !== '' && actsFor !== decoded))
      return MALFORMED;
    [, binding, , bare] = match as unknown as [string, string, string, string];
    name = decoded;
    wholeNonce = `${match[5]}${nonce}`;
    return { kind: 'keys', name };
  };

  const final = (text: string, known: ScramKeys): SaslStep => {
    const match = CLIENT_FINAL.exec(text);
    if (match === null || match[2] !== Buffer.from(binding).toString('base64') || match[3] !== wholeNonce)
      return MALFORMED;
    authMessage = `${bare},${serverFirst},${match[1]}`;
    const isProven = isProof(Buffer.from(match[4]!, 'base64'), known, authMessage);
    return { kind: 'judge', evidence: { mechanism: 'SCRAM-SHA-256', name, keys: known, isProven } };
  };

  return {
    prompt: '',
    respond(response) {
      // The client takes note of the server's signature by an empty response (RFC 4954 §4).
      if (isAccepted) return response === '' ? DONE : MALFORMED;
      const text = decodeUtf8(response);
      if (text === undefined) return MALFORMED;
      return keys === undefined ? first(text) : final(text, keys);
    },
    keysFound(found) {
      keys = found;
      serverFirst = `r=${wholeNonce},s=${found.salt.toString('base64')},i=${found.iterations}`;
      return { kind: 'challenge', text: serverFirst };
    },
    accepted() {
      isAccepted = true;
      return { kind: 'challenge', text: `v=${signatureOf(keys!.serverKey, authMessage).toString('base64')}` };
    },
  };
}

/** @returns undefined where an `=` stands for neither `=` nor `,` */
function readName(text: string): string | undefined {
  if (/=(?!2C|3D)/.test(text)) return undefined;
  return normalise(text.replaceAll('=2C', ',').replaceAll('=3D', '='));
}
