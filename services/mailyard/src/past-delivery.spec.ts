import { type Event, EventKind } from '@mailyard/contracts/tracking';
import { expect, it } from 'vitest';
import { chooseDelivery } from './past-delivery.ts';

function event(message: string, to: readonly string[], more: Partial<Event> = {}): Event {
  return {
    kind: EventKind.EVENT_KIND_DEFERRED,
    at: 1,
    loggedAt: 1,
    message,
    recipients: to.map((forwardPath, recipient) => ({ recipient, mid: 'm', forwardPath })),
    partition: 0,
    offset: 0,
    counted: true,
    outcomeUnknown: false,
    ...more,
  };
}

const BOTH = ['u@a.example', 'v@b.example'];
const ACCEPTED = event('1', BOTH);

it('takes the last event of the recipient that a route had a part in (R40)', () => {
  const events = [
    ACCEPTED,
    event('1', BOTH, { routeVersion: 3 }),
    event('1', ['u@a.example'], { routeVersion: 4, at: 2 }),
    event('1', ['u@a.example'], { routeVersion: 9, counted: false }),
    event('1', ['u@a.example']),
  ];
  expect(chooseDelivery(events, '1', 'U@A.example')).toEqual({
    recipient: 'u@a.example',
    version: 4,
    event: events[2],
  });
  expect(chooseDelivery(events, '1', 'v@b.example')).toMatchObject({ version: 3 });
});

it.each<[Event[], string | undefined, RegExp]>([
  [[], undefined, /nothing is known/],
  [[ACCEPTED, event('2', BOTH)], undefined, /several messages/],
  [[ACCEPTED], undefined, /2 recipients.*u@a.example, v@b.example/],
  [[ACCEPTED], 'w@a.example', /no recipient/],
  [[ACCEPTED], 'u@a.example', /no delivery to u@a.example was tried yet/],
])('says why there is no delivery to explain', (events, recipient, why) => {
  expect(chooseDelivery(events, '1', recipient)).toMatch(why);
});

it('needs no recipient named where there is one', () => {
  const events = [event('1', ['u@a.example'], { routeVersion: 2 })];
  expect(chooseDelivery(events, '1', undefined)).toMatchObject({ recipient: 'u@a.example', version: 2 });
});
