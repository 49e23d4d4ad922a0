import { status } from '@grpc/grpc-js';
import type { EndRecipientsResponse } from '@mailyard/contracts/queue';
import { CallRefusal } from '@mailyard/grpc';
import { describe, expect, it } from 'vitest';
import { total } from './queue-endings.ts';

const part = (recipients: number, nextPageToken: string): EndRecipientsResponse => ({
  ...{ recipients, leftAlone: 0, nextPageToken, silentOwners: [], unownedPartitions: [] },
});

describe('ending recipients part after part (R212)', () => {
  it('tells how many were ended when the server does not answer a later part', async () => {
    const parts = [part(3, 'a'), part(4, 'b')];
    const told: number[] = [];
    const away = new CallRefusal(status.UNAVAILABLE, 'gone', {});
    const asked = total(
      () => {
        const next = parts.shift();
        return next === undefined ? Promise.reject(away) : Promise.resolve(next);
      },
      (recipients) => told.push(recipients),
    );
    await expect(asked).rejects.toBe(away);
    expect(told).toEqual([7]);
  });
});
