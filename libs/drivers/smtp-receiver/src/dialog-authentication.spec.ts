import { isProof, keysOf, proofOf, saltPassword, type ScramKeys, signatureOf } from '@mailyard/credentials';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Dialog, type DialogRules, type Step } from './dialog.ts';

const RULES: DialogRules = {
  hostname: 'mx.example',
  maxMessageOctets: 1000,
  maxRecipients: 10,
  maxErrors: 1000,
  offersTls: true,
  authentication: { isRequired: false, isAllowedInClear: false },
  nonce: () => 'server',
};
const REFUSED = { code: 535, enhancedStatus: '5.7.8', text: 'Authentication credentials invalid' } as const;

function secured(rules: Partial<DialogRules> = {}): Dialog {
  const dialog = new Dialog({ ...RULES, ...rules });
  dialog.secured();
  dialog.obey('EHLO client.example');
  return dialog;
}

const base64 = (text: string): string => Buffer.from(text).toString('base64');
/** What a step says: its code, or for a question its text. */
function said(step: Step): string {
  if (!('reply' in step)) return step.kind === 'end' ? step.replies.map(({ code }) => code).join(' ') : step.kind;
  const { code, text } = step.reply;
  return code === 334 ? `334 ${Buffer.from(text, 'base64').toString()}` : `${code}`;
}

describe('AUTH in the dialog', () => {
  it.each<[string, Partial<DialogRules>, boolean, string, string]>([
    ['in clear with TLS there', {}, false, '', '538'],
    ['in clear without TLS there', { offersTls: false }, false, '', '502'],
    [
      'in clear where the listener allows it',
      { authentication: { isRequired: false, isAllowedInClear: true } },
      false,
      'AUTH',
      '334 ',
    ],
    ['under TLS', {}, true, 'AUTH', '334 '],
    ['where it is not offered', { authentication: undefined }, true, '', '502'],
  ])('%s', (_case, rules, isSecure, keyword, answer) => {
    const dialog = new Dialog({ ...RULES, ...rules });
    if (isSecure) dialog.secured();
    const hello = dialog.obey('EHLO client.example');
    const keywords = hello.kind === 'reset' ? hello.reply.text.split('\n').map((line) => line.split(' ')[0]!) : [];
    expect(keywords.includes('AUTH')).toBe(keyword === 'AUTH');
    expect(said(dialog.obey('AUTH PLAIN'))).toBe(answer);
  });

  it('needs EHLO: HELO knows no extensions', () => {
    const dialog = secured();
    dialog.obey('HELO client.example');
    expect(said(dialog.obey('AUTH PLAIN'))).toBe('503');
  });

  it('where it is required, no mail is taken before it, and other commands are (RFC 4954 §6)', () => {
    const dialog = secured({ authentication: { isRequired: true, isAllowedInClear: false } });
    expect(said(dialog.obey('MAIL FROM:<a@example.com>'))).toBe('530');
    expect(said(dialog.obey('NOOP'))).toBe('250');
    expect(dialog.obey(`AUTH PLAIN ${base64('\0ada\0secret')}`).kind).toBe('judge');
    expect(dialog.authenticationAccepted().kind).toBe('authenticated');
    expect(dialog.obey('MAIL FROM:<a@example.com>').kind).toBe('mail');
  });

  it('is forgotten with all else where TLS begins after it (RFC 3207 §4.2)', () => {
    const dialog = new Dialog({ ...RULES, authentication: { isRequired: false, isAllowedInClear: true } });
    dialog.obey('EHLO client.example');
    dialog.obey(`AUTH PLAIN ${base64('\0ada\0secret')}`);
    dialog.authenticationAccepted();
    expect(dialog.user).toBe('ada');
    dialog.secured();
    expect(dialog.user).toBeUndefined();
  });
});

describe('SCRAM-SHA-256 in the dialog', () => {
  const keysFor = async (password: string): Promise<ScramKeys> => {
    const salt = Buffer.from('salt of the keys');
    return { iterations: 4096, salt, ...keysOf(await saltPassword(password, salt, 4096)) };
  };

  /** Speaks as a client does, up to the judging of its proof. */
  async function prove(dialog: Dialog, password: string, header = 'n,,', bound = header): Promise<Step> {
    const keys = await keysFor('secret');
    expect(dialog.obey(`AUTH SCRAM-SHA-256 ${base64(`${header}n=ada,r=client`)}`)).toEqual({
      kind: 'keys',
      name: 'ada',
    });
    const first = said(dialog.keysFound(keys));
    expect(first).toBe(`334 r=clientserver,s=${keys.salt.toString('base64')},i=4096`);
    const { clientKey, storedKey } = keysOf(await saltPassword(password, keys.salt, 4096));
    const bare = `c=${base64(bound)},r=clientserver`;
    const authMessage = `n=ada,r=client,${first.slice(4)},${bare}`;
    const proof = proofOf(clientKey, storedKey, authMessage).toString('base64');
    const step = dialog.obey(base64(`${bare},p=${proof}`));
    if (step.kind !== 'judge') return step;
    expect(isProof(Buffer.from(proof, 'base64'), keys, authMessage)).toBe(password === 'secret');
    const final = said(dialog.authenticationAccepted());
    expect(final).toBe(`334 v=${signatureOf(keys.serverKey, authMessage).toString('base64')}`);
    return step;
  }

  it.each(['n,,', 'y,,', 'n,a=ada,'])(
    'takes the right password after %s, when the client has seen our signature',
    async (header) => {
      const dialog = secured();
      expect(await prove(dialog, 'secret', header)).toMatchObject({ evidence: { name: 'ada', isProven: true } });
      expect(dialog.user).toBeUndefined();
      expect(dialog.obey('')).toMatchObject({
        kind: 'authenticated',
        mechanism: 'SCRAM-SHA-256',
        reply: { code: 235 },
      });
      expect(dialog.user).toBe('ada');
    },
  );

  it('tells a wrong password from the right one, and another header from the one that was said', async () => {
    expect(await prove(secured(), 'other')).toMatchObject({ evidence: { isProven: false } });
    expect(said(await prove(secured(), 'secret', 'y,,', 'n,,'))).toBe('501');
  });

  it('is not over before the client says so', async () => {
    const dialog = secured();
    await prove(dialog, 'secret');
    expect(said(dialog.obey('*'))).toBe('501');
    expect(dialog.user).toBeUndefined();
  });

  it.each([
    'p=tls-unique,,n=ada,r=client',
    'n,a=bob,n=ada,r=client',
    'n,,m=x,n=ada,r=client',
    'n,,n=a=41da,r=client',
    'n,,n=,r=client',
    'n,,n=ada,r=',
    'n,,n=ada',
    '',
  ])('refuses %j', (first) => {
    expect(said(secured().obey(`AUTH SCRAM-SHA-256 ${base64(first) || '='}`))).toBe('501');
  });

  it('reads names with commas and equals signs', () => {
    const step = secured().obey(`AUTH SCRAM-SHA-256 ${base64('n,,n=a=2Cb=3Dc,r=client')}`);
    expect(step).toEqual({ kind: 'keys', name: 'a,b=c' });
  });
});

describe('any exchange of AUTH', () => {
  const word = fc.constantFrom('ada', 'n,,n=ada,r=x', 'c=biws,r=xserver,p=', '\0ada\0secret', '', '=', '\0', 'é');
  const line = fc.oneof(
    fc.constantFrom('AUTH PLAIN', 'AUTH LOGIN', 'AUTH SCRAM-SHA-256', 'AUTH', '*', '', '=', 'NOOP', 'RSET', 'EHLO x'),
    fc.constantFrom('MAIL FROM:<a@example.com>', 'STARTTLS', `AUTH PLAIN ${base64('\0ada\0secret')}`),
    word.map(base64),
    word.map((text) => `AUTH PLAIN ${base64(text)}`),
    fc.string(),
  );

  it('ends, authenticates nobody who was not judged, and leads back to commands when it fails', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(line, fc.boolean()), { maxLength: 30 }), (lines) => {
        const dialog = secured();
        let isGood = false;
        for (const [text, isRight] of lines) {
          let step = dialog.obey(text);
          if (step.kind === 'keys') {
            const keys = Buffer.alloc(32);
            step = dialog.keysFound({ iterations: 4096, salt: keys, storedKey: keys, serverKey: keys });
          }
          if (step.kind === 'judge') {
            isGood ||= isRight;
            step = isRight ? dialog.authenticationAccepted() : dialog.authenticationRefused(REFUSED);
          }
          if (step.kind === 'mail') dialog.mailTaken(step.command);
          if (step.kind === 'end') return;
          if (dialog.user !== undefined) expect(isGood).toBe(true);
          const isAsking = step.kind === 'say' && step.reply.code === 334;
          if (!isAsking && !dialog.open) expect(said(dialog.obey('HELP'))).toBe('214');
        }
      }),
      { numRuns: 2000 },
    );
  });
});
