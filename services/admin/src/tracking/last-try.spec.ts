import { type Event, EventKind } from '@mailyard/contracts/tracking';
import { describe, expect, it } from 'vitest';
import { lastTries } from './last-try.ts';

const event = (kind: EventKind, at: number, rids: readonly number[], more: Partial<Event> = {}): Event => ({
  ...{ kind, at, loggedAt: at, message: 'm', partition: 0, offset: at, counted: true, outcomeUnknown: false },
  recipients: rids.map((recipient) => ({ recipient, mid: 'm-1', forwardPath: '' })),
  ...more,
});

describe('the last tries (R212)', () => {
  it('are those that counted, the last of each recipient, with what the host said and by which route', () => {
    const reply = { code: 450, enhancedStatus: '4.2.1', text: 'later' };
    const where = { host: 'h [192.0.2.1]:25', route: '.example', routeVersion: 4 };
    const tries = lastTries([
      event(EventKind.EVENT_KIND_ACCEPTED, 1, [0, 1]),
      event(EventKind.EVENT_KIND_DEFERRED, 2, [0], { stage: 'connect' }),
      event(EventKind.EVENT_KIND_DEFERRED, 3, [1], { stage: '' }),
      event(EventKind.EVENT_KIND_ATTEMPT, 4, [0, 1], where),
      event(EventKind.EVENT_KIND_DEFERRED, 5, [0], { ...where, reply, stage: 'rcpt' }),
      event(EventKind.EVENT_KIND_DEFERRED, 6, [0], { stage: 'mail', counted: false }),
    ]);
    expect([...tries]).toEqual([
      [0, { at: 5, ...where, reply, stage: 'rcpt' }],
      [1, { at: 3 }],
    ]);
  });
});
