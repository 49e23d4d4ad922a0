import { describe, expect, it } from 'vitest';
import { itemText } from './item-text.ts';

describe('an item in a line', () => {
  it('says of a mail policy whom it is for and what it does (R112, R116)', () => {
    expect(
      itemText('policies', {
        name: 'bosses',
        sender: { members: ['@a.test', 'x@'], not: ['y@a.test'] },
        recipient: { members: ['boss@example.com'] },
        actions: {
          subjectTag: '[vip]',
          addHeaders: [{ name: 'X-A', value: '1' }],
          removeHeaders: ['X-B'],
          priority: 3,
        },
      }),
    ).toBe(
      'from @a.test x@, not from y@a.test, to boss@example.com: subject tag "[vip]", add X-A: 1, remove X-B, priority 3',
    );
    const anyone = { members: [] };
    expect(itemText('policies', { name: 'p', sender: anyone, recipient: anyone, actions: { drop: true } })).toBe(
      'drop',
    );
  });

  it('names where a secret stands (R153)', () => {
    const secret = { kind: 'environment', variable: 'EDGE' } as const;
    expect(itemText('authProfiles', { name: 'edge', username: 'u', secret, allowClear: true })).toBe(
      'user u, secret environment EDGE, allowClear true',
    );
    expect(itemText('bounceKeys', { number: 1, secret: { kind: 'file', file: 'k' } })).toBe('file k');
  });

  it('says of controls and profiles what stands there, and of an entry its options (R134, R140)', () => {
    expect(itemText('destinationControls', { domain: '.x', maxConnections: 2, tls: 'required' })).toBe(
      'maxConnections 2, tls required',
    );
    expect(
      itemText('rat', {
        recipient: 'a@',
        action: 'REJECT',
        reply: { code: 551, text: 'moved' },
        bypassReceivingControl: true,
      }),
    ).toBe('REJECT 551 moved bypass_receiving_control');
  });
});
