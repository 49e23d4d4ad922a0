import type { RelayConnection } from '@mailyard/delivery-rules';
import type { MessageId } from '@mailyard/queue';
import { describe, expect, it } from 'vitest';
import type { Attempt } from '../outcomes/attempt.ts';
import { type ConnectionHome, DeliveryConnection } from './delivery-connection.ts';
import type { Parcel } from '../destinations/parcel.ts';

const MOST = 3;

describe('a connection', () => {
  it('keeps the places of attempts that came to nothing: it carries as many as it may (R104)', () => {
    const attempts: Attempt[] = [];
    const parcel = (): Parcel =>
      ({
        partition: {
          appends: { add: (attempt: Attempt) => attempts.push(attempt) },
          attempts: { ended: () => undefined },
          undecided: () => undefined,
        },
        message: 'm' as MessageId,
        sends: [{ copy: 0, recipients: [0] }],
      }) as unknown as Parcel;
    const home = { messagesPerConnection: MOST, available: () => undefined } as unknown as ConnectionHome;
    const relay = { host: { name: 'h', address: '192.0.2.1', port: 25 }, usable: true } as unknown as RelayConnection;
    const connection = new DeliveryConnection(relay, home, 0);
    // As when the claim is renewed: intents that were under way are void, and made again.
    for (let turn = 0; turn < 2 * MOST; turn++) {
      expect(connection.takes(MOST, 0)).toBe(true);
      connection.assign(parcel());
      attempts.pop()!.failed();
      connection.assign(parcel());
      connection.yieldQueue();
    }
    connection.assign(parcel());
    expect(connection.takes(MOST, 0)).toBe(false);
    expect(connection.takes(MOST - 1, 0)).toBe(true);
  });
});
