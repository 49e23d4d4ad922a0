import { type Address, type BounceKeys, parseMailbox, tagSender } from '@mailyard/mail';
import { describe, expect, it } from 'vitest';
import { BounceGate, bounceMark } from './bounce-gate.ts';

const DAY = 86_400_000;
const NOW = 20_000 * DAY;
const keys: BounceKeys = {
  isThere: true,
  signing: 1,
  has: (key) => key === 1,
  sign: (key, text) => (key === 1 ? (text.length * 4_099).toString(16).toUpperCase().padStart(6, '0') : undefined),
};
const tagged = tagSender('joe@example.com' as Address, NOW, keys);

function pass(gate: BounceGate, address: string, now = NOW): string {
  const verified = gate.verify(parseMailbox(address)!, now);
  const refusal = gate.judge(verified);
  if (refusal === undefined) gate.taken(verified);
  return refusal?.enhancedStatus ?? verified.mailbox.address;
}

describe('bounce verification on receipt (R140)', () => {
  it.each([
    ['accept', 'joe@example.com', 'joe@example.com'],
    ['mark', 'joe@example.com', 'joe@example.com'],
    ['refuse', 'joe@example.com', '5.7.1'],
    ['refuse', tagged, 'joe@example.com'],
    ['refuse', tagged.replace('joe', 'ann'), 'ann@example.com'],
    ['refuse', tagged.replace('=joe', '=joseph'), '5.7.1'],
    ['mark', tagged.replace('=joe', '=joseph'), 'joseph@example.com'],
    ['refuse', 'postmaster', 'postmaster'],
  ] as const)('of a bounce, where the policy says %s: %s', (policy, recipient, outcome) => {
    // The signatures here go by length alone: ann is as good as joe.
    expect(pass(new BounceGate(keys, true, policy), recipient)).toBe(outcome);
  });

  it('marks the message with the first fault, and only where the policy says so', () => {
    const gate = new BounceGate(keys, true, 'mark');
    pass(gate, tagged);
    expect(bounceMark(gate.mark)).toBe('');
    pass(gate, tagged, NOW + 9 * DAY);
    pass(gate, 'joe@example.com');
    expect(bounceMark(gate.mark)).toBe('X-Mailyard-Bounce-Verification: expired\r\n');
    const accepting = new BounceGate(keys, true);
    pass(accepting, 'joe@example.com');
    expect(accepting.mark).toBeUndefined();
  });

  it('marks nothing for a recipient that is refused for something else (R140)', () => {
    const gate = new BounceGate(keys, true, 'mark');
    expect(gate.judge(gate.verify(parseMailbox('joe@example.com')!, NOW))).toBeUndefined();
    // It is not taken: the message has too many recipients, say.
    pass(gate, tagged);
    expect(bounceMark(gate.mark)).toBe('');
  });

  it('of other mail, takes off a tag that is good or was, and refuses nothing', () => {
    const gate = new BounceGate(keys, false, 'refuse');
    expect(pass(gate, tagged)).toBe('joe@example.com');
    expect(pass(gate, tagged, NOW + 300 * DAY)).toBe('joe@example.com');
    expect(pass(gate, 'joe@example.com')).toBe('joe@example.com');
    const forged = tagged.replace('=joe', '=joseph');
    expect(pass(gate, forged)).toBe(forged);
  });

  it('is put off while a key cannot be read, whoever writes', () => {
    const unreadable: BounceKeys = { ...keys, sign: () => undefined };
    expect(pass(new BounceGate(unreadable, true, 'accept'), tagged)).toBe('4.3.0');
    expect(pass(new BounceGate(unreadable, false), tagged)).toBe('4.3.0');
  });

  it('looks at nothing without keys', () => {
    expect(pass(new BounceGate({ ...keys, isThere: false }, true, 'refuse'), 'joe@example.com')).toBe(
      'joe@example.com',
    );
    expect(pass(new BounceGate(undefined, true, 'refuse'), tagged)).toBe(tagged);
  });
});
