import { readMemberPattern, matches, type Subject } from '@mailyard/access';
import type { Domain } from '@mailyard/mail';
import { describe, expect, it } from 'vitest';
import { checkDkimProfile, type DkimProfile, DkimProfileTable } from './dkim-profiles.ts';

const PROFILE: DkimProfile = {
  name: 'main',
  domain: 'example.com',
  selector: 's1',
  key: { kind: 'file', file: '/etc/mailyard/dkim.pem' },
};
const author = (text: string): Subject => {
  const at = text.lastIndexOf('@');
  return { localPart: text.slice(0, at), domain: text.slice(at + 1) as Domain };
};
const signing = (profiles: readonly Partial<DkimProfile>[], from: string): string[] =>
  new DkimProfileTable(profiles.map((profile) => ({ ...PROFILE, ...profile })))
    .signersOf(author(from))
    .map(({ name }) => name);

describe('DkimProfileTable', () => {
  it('signs for the domain of the profile, and for no other, where nothing is said', () => {
    expect(signing([{}], 'ann@example.com')).toEqual(['main']);
    expect(signing([{}], 'ann@sub.example.com')).toEqual([]);
    expect(signing([{}], 'ann@anexample.com')).toEqual([]);
  });

  it('signs by all profiles that name the author, in their order', () => {
    const profiles = [
      { name: 'all', senders: ['ALL'] },
      { name: 'below', senders: ['@.example.com', '@example.com'] },
      { name: 'rsa' },
      { name: 'news', senders: ['News@example.com', 'news@'] },
      { name: 'other', domain: 'example.org' },
    ];
    expect(signing(profiles, 'news@example.com')).toEqual(['all', 'below', 'rsa', 'news']);
    expect(signing(profiles, 'x@a.b.example.com')).toEqual(['all', 'below']);
    expect(signing(profiles, 'NEWS@example.net')).toEqual(['all', 'news']);
    expect(signing(profiles, 'x@[192.0.2.1]')).toEqual(['all']);
  });

  it('finds what a walk over all patterns finds', () => {
    const senders = [
      'ALL',
      'u@',
      'u@a.example',
      '@a.example',
      '@.a.example',
      '@.example',
      'v@b.a.example',
      '@b.a.example',
    ];
    const profiles = senders.map((sender) => ({ name: sender, senders: [sender] }));
    for (const from of ['u@a.example', 'U@b.a.example', 'v@b.a.example', 'w@example', 'w@c.b.a.example', 'u@other'])
      expect(signing(profiles, from)).toEqual(
        senders.filter((sender) => matches(readMemberPattern(sender)!, author(from))),
      );
  });
});

describe('checkDkimProfile', () => {
  const faults = (change: Partial<DkimProfile>): string[] => {
    const said: string[] = [];
    checkDkimProfile({ ...PROFILE, ...change }, (token, message) => said.push(`${token} ${message}`));
    return said;
  };

  it('takes what can be signed by and found in the DNS', () => {
    expect(faults({})).toEqual([]);
    expect(faults({ selector: '2026.mail-1', senders: ['@.example.com', 'ALL'], headers: ['From', 'X-Own'] })).toEqual(
      [],
    );
  });

  it.each([
    [{ domain: 'Example.COM' }, 'Example.COM is to be written example.com'],
    [{ domain: 'no domain' }, 'no domain is no domain'],
    [{ selector: 'a_b' }, /^a_b is no selector/],
    [{ selector: '-a' }, /^-a is no selector/],
    [{ selector: 'a..b' }, /is no selector/],
    [{ selector: Array.from({ length: 4 }, () => 's'.repeat(63)).join('.') }, /too long a name/],
    [{ senders: [] }, /names nobody/],
    [{ senders: ['example.com'] }, /^example.com is no user@domain/],
    [{ headers: ['Received'] }, /^Received changes on the way/],
    [{ headers: ['a b'] }, /^a b is no name of a header field/],
    [{ headers: ['X;Y'] }, /is no name of a header field/],
    [{ expiresAfterSeconds: 60 }, /at least 3600/],
  ] satisfies [Partial<DkimProfile>, string | RegExp][])('refuses %j', (change, said) => {
    expect(faults(change)).toEqual([expect.stringMatching(said)]);
  });
});
