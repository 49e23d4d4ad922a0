import { createHash, createHmac, pbkdf2Sync, randomBytes, timingSafeEqual } from 'node:crypto';

/** What to send as the next 334, or how it ended. */
export type AuthenticationStep = { readonly challenge: string } | { readonly username: string } | 'refused';

/** The server's side of one SASL exchange: takes decoded responses, the initial one first (RFC 4954 §4). */
export type Authentication = (response: string) => AuthenticationStep;

/** Starts a mechanism for the only user there is; undefined for an unknown mechanism. */
export function startAuthentication(
  mechanism: string,
  username: string,
  password: string,
): { readonly first: string | undefined; readonly next: Authentication } | undefined {
  const judge = (good: boolean): AuthenticationStep => (good ? { username } : 'refused');
  switch (mechanism) {
    case 'PLAIN':
      return {
        first: '',
        next: (response) => judge(response.slice(response.indexOf('\0')) === `\0${username}\0${password}`),
      };
    case 'LOGIN': {
      let given: string | undefined;
      const next: Authentication = (response) => {
        if (given !== undefined) return judge(given === username && response === password);
        given = response;
        return { challenge: 'Password:' };
      };
      return { first: 'Username:', next };
    }
    case 'CRAM-MD5': {
      const challenge = `<${randomBytes(8).toString('hex')}@sink.test>`;
      const digest = createHmac('md5', password).update(challenge).digest('hex');
      return { first: challenge, next: (response) => judge(response === `${username} ${digest}`) };
    }
    case 'SCRAM-SHA-256':
      return { first: '', next: startScram(username, password, judge) };
    default:
      return undefined;
  }
}

/** RFC 5802 §3 and RFC 7677, the server's side. */
function startScram(username: string, password: string, judge: (good: boolean) => AuthenticationStep): Authentication {
  const salt = randomBytes(16);
  const iterations = 4096;
  let clientFirst: string | undefined;
  let serverFirst = '';
  let verified: boolean | undefined;
  return (response) => {
    if (verified !== undefined) return judge(verified);
    if (clientFirst === undefined) {
      clientFirst = response.replace(/^n,,/, '');
      const nonce = /,r=([^,]*)/.exec(clientFirst)?.[1] ?? '';
      serverFirst = `r=${nonce}${randomBytes(9).toString('base64')},s=${salt.toString('base64')},i=${iterations}`;
      return { challenge: serverFirst };
    }
    const withoutProof = response.slice(0, response.lastIndexOf(',p='));
    const proof = Buffer.from(response.slice(response.lastIndexOf(',p=') + 3), 'base64');
    const authMessage = `${clientFirst},${serverFirst},${withoutProof}`;
    const salted = pbkdf2Sync(password, salt, iterations, 32, 'sha256');
    const clientKey = createHmac('sha256', salted).update('Client Key').digest();
    const storedKey = createHash('sha256').update(clientKey).digest();
    const expected = createHmac('sha256', storedKey).update(authMessage).digest();
    for (let i = 0; i < 32; i++) expected[i] = expected[i]! ^ clientKey[i]!;
    verified =
      clientFirst.startsWith(`n=${username.replaceAll('=', '=3D').replaceAll(',', '=2C')},r=`) &&
      proof.length === 32 &&
      timingSafeEqual(proof, expected);
    if (!verified) return 'refused';
    const serverKey = createHmac('sha256', salted).update('Server Key').digest();
    return { challenge: `v=${createHmac('sha256', serverKey).update(authMessage).digest('base64')}` };
  };
}
