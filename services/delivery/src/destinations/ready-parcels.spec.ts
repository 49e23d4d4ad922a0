import { describe, expect, it } from 'vitest';
import type { Parcel } from './parcel.ts';
import { parcelOf } from './parcel.suite.ts';
import { ReadyParcels } from './ready-parcels.ts';

const three = [1, 2, 3].map((copy) => ({ copy, recipients: [copy] }));

function readyWith(...parcels: Parcel[]): ReadyParcels {
  const ready = new ReadyParcels();
  for (const parcel of parcels) ready.push(parcel);
  return ready;
}

function namesOf(parcels: Iterable<Parcel>): string[] {
  return Array.from(parcels, ({ message }) => message);
}

describe('ready parcels', () => {
  it('count transactions, also of one that is put back to the front', () => {
    const ready = readyWith(parcelOf('a', { sends: three }), parcelOf('b'));
    expect(ready.transactions).toBe(4);
    const first = ready.shift(0);
    expect([first.message, ready.transactions, ready.size]).toEqual(['a', 1, 1]);
    ready.unshift(first);
    expect([ready.transactions, ready.shift(0).message]).toEqual([4, 'a']);
  });

  it('keep those apart that may not go over just any connection (R57, D3)', () => {
    const ready = readyWith(
      parcelOf('a', { preferredHost: 'mx.example' }),
      parcelOf('b', { preferredHost: 'mx.example', sends: three }),
      parcelOf('c', { preferredHost: 'mx.example' }),
    );
    expect([ready.size, ready.hasParticular, ready.transactions]).toEqual([0, true, 5]);
    ready.offerParticular(({ message }) => message === 'b');
    expect([namesOf(ready), ready.transactions]).toEqual([['a', 'c'], 2]);
    ready.offerParticular(() => true);
    expect([ready.hasParticular, ready.transactions]).toEqual([false, 0]);
  });

  it('give up what is named, of both kinds', () => {
    const ready = readyWith(parcelOf('a'), parcelOf('b', { preferredHost: 'mx.example' }), parcelOf('c'));
    expect(namesOf(ready.extract(({ message }) => message !== 'c')).sort()).toEqual(['a', 'b']);
    expect([namesOf(ready), ready.transactions, ready.hasParticular]).toEqual([['c'], 1, false]);
  });
});
