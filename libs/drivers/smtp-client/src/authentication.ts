import { createHmac } from 'node:crypto';
import { isSame, keysOf, normalise, proofOf, saltPassword, signatureOf } from '@mailyard/credentials';

/** One SASL exchange from the client's side. */
export interface Mechanism {
  readonly name: string;
  /** The initial response, to be sent with AUTH; undefined when the host speaks first. */
  readonly initial: string | undefined;
  /** Answers a challenge. Throws when the host breaks the exchange or does not know the password either. */
  respond(challenge: string): string | Promise<string>;
  /** Whether the host has shown that it knows the password, where the mechanism asks that of it. */
  readonly isVerified: boolean;
}

export interface Credentials {
  readonly username: string;
  readonly password: string;
}

/** What a host may make us calculate for one login. */
const ITERATION_LIMIT = 1_000_000;

/**
 * The mechanisms that both sides know, the strongest first (R152). PLAIN and LOGIN show the password to whoever listens
 * and are left out unless `clear` allows them.
 */
export function chooseMechanisms(
  offered: readonly string[],
  credentials: Credentials,
  clear: boolean,
  nonce: string,
): readonly Mechanism[] {
  const known = [
    scramSha256(credentials, nonce),
    cramMd5(credentials),
    ...(clear ? [plain(credentials), login(credentials)] : []),
  ];
  return known.filter(({ name }) => offered.includes(name));
}

/** RFC 4616 */
export function plain({ username, password }: Credentials): Mechanism {
  return { name: 'PLAIN', initial: `\0${username}\0${password}`, respond: refuseChallenge, isVerified: true };
}

/** draft-murchison-sasl-login: the name at the first challenge, the password at the second, whatever they say. */
export function login({ username, password }: Credentials): Mechanism {
  const answers = [username, password];
  return { name: 'LOGIN', initial: undefined, respond: () => answers.shift() ?? refuseChallenge(), isVerified: true };
}

/** RFC 2195 */
export function cramMd5({ username, password }: Credentials): Mechanism {
  const respond = (challenge: string): string => {
    const digest = createHmac('md5', password).update(challenge).digest('hex');
    return `${username} ${digest}`;
  };
  return { name: 'CRAM-MD5', initial: undefined, respond, isVerified: true };
}

/**
 * RFC 5802, RFC 7677; without channel binding.
 *
 * @param nonce printable US-ASCII without a comma, new for each exchange
 */
export function scramSha256(credentials: Credentials, nonce: string): Mechanism {
  const username = normalise(credentials.username).replaceAll('=', '=3D').replaceAll(',', '=2C');
  const clientFirst = `n=${username},r=${nonce}`;
  let expected: Buffer | undefined;
  let isVerified = false;

  const prove = async (serverFirst: string): Promise<string> => {
    const match = /^r=([\x21-\x2b\x2d-\x7e]+),s=([A-Za-z0-9+/=]+),i=([1-9]\d{0,8})(?:,|$)/.exec(serverFirst);
    if (match === null) throw new Error('malformed SCRAM challenge');
    const [, serverNonce, salt, iterations] = match as unknown as [string, string, string, string];
    if (!serverNonce.startsWith(nonce) || serverNonce.length === nonce.length) throw new Error('foreign SCRAM nonce');
    if (Number(iterations) > ITERATION_LIMIT) throw new Error(`SCRAM asks for ${iterations} iterations`);
    const salted = await saltPassword(credentials.password, Buffer.from(salt, 'base64'), Number(iterations));
    const { clientKey, storedKey, serverKey } = keysOf(salted);
    const withoutProof = `c=biws,r=${serverNonce}`;
    const authMessage = `${clientFirst},${serverFirst},${withoutProof}`;
    expected = signatureOf(serverKey, authMessage);
    return `${withoutProof},p=${proofOf(clientKey, storedKey, authMessage).toString('base64')}`;
  };

  const verify = (serverFinal: string, signature: Buffer): string => {
    const given = Buffer.from(/^v=([^,]*)/.exec(serverFinal)?.[1] ?? '', 'base64');
    if (!isSame(given, signature)) throw new Error('the host does not know the password');
    isVerified = true;
    return '';
  };

  return {
    name: 'SCRAM-SHA-256',
    initial: `n,,${clientFirst}`,
    respond: (challenge) => (expected === undefined ? prove(challenge) : verify(challenge, expected)),
    get isVerified() {
      return isVerified;
    },
  };
}

function refuseChallenge(): never {
  throw new Error('unexpected challenge');
}
