import { describe, expect, it } from 'vitest';
import { chooseMechanisms, cramMd5, login, plain, scramSha256 } from './authentication.ts';

const CREDENTIALS = { username: 'user', password: 'pencil' };

describe('SCRAM-SHA-256', () => {
  it('speaks the example of RFC 7677 §3', async () => {
    const scram = scramSha256(CREDENTIALS, 'rOprNGfwEbeRWgbNEkqO');
    expect(scram.initial).toBe('n,,n=user,r=rOprNGfwEbeRWgbNEkqO');
    const first = 'r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096';
    expect(await scram.respond(first)).toBe(
      'c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=',
    );
    expect(scram.isVerified).toBe(false);
    expect(await scram.respond('v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=')).toBe('');
    expect(scram.isVerified).toBe(true);
  });

  it.each([
    ['r=otherNonce,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096', 'a nonce that is not ours'],
    ['r=nonce,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096', 'a nonce without the part of the host'],
    ['r=nonceX,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=999999999', 'work that would never end'],
    ['r=nonceX,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=0', 'no work'],
    ['e=other-error', 'no challenge at all'],
  ])('refuses %s: %s', async (challenge) => {
    await expect((async () => scramSha256(CREDENTIALS, 'nonce').respond(challenge))()).rejects.toThrow();
  });

  it('refuses a host that does not know the password', async () => {
    const scram = scramSha256(CREDENTIALS, 'nonce');
    await scram.respond('r=nonceX,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096');
    expect(() => scram.respond('v=AAAA')).toThrow('does not know the password');
  });
});

describe('CRAM-MD5', () => {
  it('speaks the example of RFC 2195 §2', () => {
    const cram = cramMd5({ username: 'tim', password: 'tanstaaftanstaaf' });
    expect(cram.respond('<1896.697170952@postoffice.reston.mci.net>')).toBe('tim b913a602c7eda7a495b4e6e7334d3890');
  });
});

describe('chooseMechanisms (R152)', () => {
  const names = (offered: readonly string[], clear: boolean): readonly string[] =>
    chooseMechanisms(offered, CREDENTIALS, clear, 'nonce').map(({ name }) => name);

  it('puts the strongest first', () => {
    expect(names(['LOGIN', 'PLAIN', 'CRAM-MD5', 'XOAUTH2', 'SCRAM-SHA-256'], true)).toEqual([
      'SCRAM-SHA-256',
      'CRAM-MD5',
      'PLAIN',
      'LOGIN',
    ]);
  });

  it('shows no password in the clear', () => {
    expect(names(['LOGIN', 'PLAIN'], false)).toEqual([]);
    expect(names(['LOGIN', 'CRAM-MD5'], false)).toEqual(['CRAM-MD5']);
  });

  it('has no answer to a challenge too many', () => {
    expect(() => plain(CREDENTIALS).respond('')).toThrow('unexpected');
    const exchange = login(CREDENTIALS);
    expect([exchange.respond('User Name'), exchange.respond('Password')]).toEqual(['user', 'pencil']);
    expect(() => exchange.respond('again')).toThrow('unexpected');
  });
});
