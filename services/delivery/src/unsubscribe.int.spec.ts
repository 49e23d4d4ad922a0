import type { UnsubscribeList } from '@mailyard/delivery-rules';
import { describe, expect, it } from 'vitest';
import { delivery, passUntil, sink, until } from './delivery-fixture.suite.ts';

/** A list by whole addresses, which the test changes as an administrator would. */
function listOf(actions: Record<string, 'drop' | 'bounce'>): UnsubscribeList {
  return {
    rows: Object.keys(actions),
    rowFor({ address }) {
      const action = actions[address];
      return action === undefined ? undefined : { recipient: address, action };
    },
  };
}

describe('R148 global unsubscribe', () => {
  it('drops or returns whom a row names, sends to all others of the message, and asks before every attempt', async () => {
    const host = await sink({
      onStep: ({ step, reversePath }) => (step === 'rcpt' && reversePath !== '' ? '450 4.2.0 later' : undefined),
    });
    let list = listOf({});
    const fixture = await delivery({ routes: [`ALL 127.0.0.1:${host.port}`], unsubscribed: () => list });
    await fixture.submit({ to: ['stay@a.example', 'drop@a.example', 'bounce@a.example'] });
    await until(() => fixture.count('RecipientDeferred') === 3);
    list = listOf({ 'drop@a.example': 'drop', 'bounce@a.example': 'bounce' });
    const ended = () => ['RecipientDropped', 'RecipientBounced'].every((type) => fixture.count(type) === 1);
    await passUntil(fixture.clock, () => ended() && fixture.count('RecipientDeferred') > 3, 10_000, 60);
    const of = (type: string) => fixture.records.map(({ record }) => record).filter((record) => record.type === type);
    expect(of('RecipientDropped')).toMatchObject([{ recipient: 1, reason: 'global unsubscribe drop@a.example' }]);
    expect(of('RecipientBounced')).toMatchObject([
      {
        recipient: 2,
        cause: 'filter',
        reason: 'global unsubscribe bounce@a.example',
        reply: { code: 550, enhancedStatus: '5.7.1' },
        report: expect.any(String),
      },
    ]);
    const intended = fixture.records.flatMap(({ record }) => (record.type === 'AttemptIntended' ? [record] : []));
    expect(intended.slice(1).some(({ recipients }) => recipients.length > 1)).toBe(false);
    // The report to the sender is mail like any other.
    await passUntil(fixture.clock, () => fixture.count('RecipientDelivered') === 1, 1_000, 60);
    expect(fixture.waiting).toBe(1);
  });

  it('drops mail that was never tried, and mail of the null sender without a report', async () => {
    const host = await sink();
    const list = listOf({ 'drop@a.example': 'drop', 'bounce@a.example': 'bounce' });
    const fixture = await delivery({ routes: [`ALL 127.0.0.1:${host.port}`], unsubscribed: () => list });
    await fixture.submit({ from: null, to: ['stay@a.example', 'drop@a.example', 'bounce@a.example'] });
    await until(() => fixture.waiting === 0);
    expect([fixture.count('RecipientDropped'), fixture.count('RecipientBounced')]).toEqual([1, 1]);
    expect(host.messages.map(({ recipients }) => recipients.map(({ forwardPath }) => forwardPath))).toEqual([
      ['stay@a.example'],
    ]);
    expect(fixture.records.filter(({ record }) => record.type === 'AttemptIntended')).toHaveLength(1);
  });
});
