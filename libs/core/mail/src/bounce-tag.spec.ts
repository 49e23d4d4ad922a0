import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type BounceKeys, judgeTag, TAG_DAYS, tagSender } from './bounce-tag.ts';
import { type Address, parseMailbox } from './mailbox.ts';

const DAY = 86_400_000;
/** Day 20,000 since 1970. */
const NOW = 20_000 * DAY + 5;

/** Keys that sum up characters: what counts here is what is signed, not how. */
function keysOf(numbers: readonly number[], unreadable: readonly number[] = []): BounceKeys {
  return {
    isThere: numbers.length > 0,
    signing: numbers.find((number) => !unreadable.includes(number)),
    has: (key) => numbers.includes(key),
    sign(key, text) {
      if (!numbers.includes(key) || unreadable.includes(key)) return undefined;
      let sum = key * 7_919;
      for (const char of text) sum = (sum * 31 + char.codePointAt(0)!) % 0x1000000;
      return sum.toString(16).toUpperCase().padStart(6, '0');
    },
  };
}

const keys = keysOf([3, 1]);
const tag = (sender: string, now = NOW, by = keys): string => tagSender(sender as Address, now, by);
const judge = (recipient: string, now = NOW, by = keys) => judgeTag(parseMailbox(recipient)!, now, by);

describe('bounce verification (R140)', () => {
  it('tags a sender by the first key, with the day on which the tag ends', () => {
    expect(tag('joe@example.com')).toMatch(/^prvs=3007[0-9A-F]{6}=joe@example\.com$/);
    expect(tag('joe@example.com', (20_995 - TAG_DAYS) * DAY)).toMatch(/^prvs=3995/);
  });

  it('takes off what it put on, in whatever case it comes back, for seven days', () => {
    const tagged = tag('Joe@Example.com');
    expect(judge(tagged)).toMatchObject({ kind: 'valid', mailbox: { address: 'Joe@Example.com' } });
    expect(judge(tagged.toLowerCase())).toMatchObject({ kind: 'valid', mailbox: { address: 'joe@example.com' } });
    expect(judge(tagged, NOW + TAG_DAYS * DAY)).toMatchObject({ kind: 'valid' });
    expect(judge(tagged, NOW + (TAG_DAYS + 1) * DAY)).toMatchObject({ kind: 'invalid', why: 'expired' });
    expect(judge(tagged, NOW - DAY)).toMatchObject({ kind: 'invalid', why: 'expired' });
  });

  it('goes on where the digits of the day begin anew', () => {
    const last = (20_999 - TAG_DAYS + 3) * DAY;
    expect(tag('joe@example.com', last)).toMatch(/^prvs=3002/);
    expect(judge(tag('joe@example.com', last), last + 6 * DAY)).toMatchObject({ kind: 'valid' });
  });

  it('is good for the address that was signed and for no other', () => {
    const tagged = tag('joe@example.com');
    expect(judge(tagged.replace('joe@', 'ann@'))).toMatchObject({ kind: 'invalid', why: 'forged' });
    expect(judge(tagged.replace('example.com', 'example.net'))).toMatchObject({ kind: 'invalid', why: 'forged' });
    expect(judge(tagged.replace('prvs=3', 'prvs=1'))).toMatchObject({ kind: 'invalid', why: 'forged' });
    expect(judge('joe@example.com')).toEqual({ kind: 'none' });
    expect(judge('prvs=3007ABC=joe@example.com')).toEqual({ kind: 'none' });
  });

  it('verifies by every key that is there, and by none that was taken away or cannot be read', () => {
    const old = tag('joe@example.com', NOW, keysOf([1]));
    expect(judge(old)).toMatchObject({ kind: 'valid' });
    expect(judge(old, NOW, keysOf([3]))).toMatchObject({ kind: 'invalid', why: 'forged' });
    expect(judge(old, NOW, keysOf([3, 1], [1]))).toEqual({ kind: 'unknown' });
  });

  it.each([
    ['what is tagged already', tag('joe@example.com')],
    ['a quoted local part', '"joe doe"@example.com'],
    ['a local part without room', `${'a'.repeat(49)}@example.com`],
    ['a bare postmaster', 'postmaster'],
  ])('leaves alone %s', (_, sender) => {
    expect(tag(sender)).toBe(sender);
  });

  it('leaves all alone without a key to sign with', () => {
    expect(tag('joe@example.com', NOW, keysOf([]))).toBe('joe@example.com');
    expect(tag('joe@example.com', NOW, keysOf([3], [3]))).toBe('joe@example.com');
    expect(tag(`${'a'.repeat(48)}@example.com`)).toMatch(/^prvs=/);
  });

  it('gives back any sender that it tags', () => {
    const local = fc.stringMatching(/^[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]{1,40}$/);
    fc.assert(
      fc.property(local, fc.nat(40_000), fc.nat(TAG_DAYS), (name, day, later) => {
        const sender = `${name}@example.com`;
        const tagged = tag(sender, day * DAY);
        if (tagged === sender) return;
        expect(judge(tagged, (day + later) * DAY)).toMatchObject({ kind: 'valid', mailbox: { address: sender } });
      }),
    );
  });
});
