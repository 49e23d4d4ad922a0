import { DEFAULT_BOUNCE_PROFILE, HostStates, RecipientLimit } from '@mailyard/delivery-rules';
import { describe, expect, it } from 'vitest';
import { ConnectionPool } from './connection-pool.ts';
import type { DeliveryConnection } from './delivery-connection.ts';
import { handOut } from './hand-out.ts';
import { OpeningSlots } from './opening-slots.ts';
import type { Parcel } from '../destinations/parcel.ts';
import { parcelOf } from '../destinations/parcel.suite.ts';
import type { PoolHome, PoolTools } from './pool-home.ts';
import { ReadyParcels } from '../destinations/ready-parcels.ts';
import { RetryLine } from '../scheduling/retry-line.ts';
import { DELIVERY_DEFAULTS, termsOfSettings } from '../settings.ts';

/** A pool whose lookups never end, at an instant that the test sets. */
function poolFor(change: Partial<PoolHome> = {}, limit = 100) {
  const time = { now: 0 };
  const failures: (string | undefined)[] = [];
  const never = async (): Promise<never> => new Promise(() => {});
  const terms = termsOfSettings({ ...DELIVERY_DEFAULTS, bounce: DEFAULT_BOUNCE_PROFILE });
  const home = {
    key: 'example.com',
    target: { kind: 'usedns' },
    domain: 'example.com',
    terms,
    authProfile: undefined,
    messagesPerConnection: 50,
    notConnected: (opened) =>
      failures.push(opened?.kind === 'unreachable' ? opened.failure?.reply.enhancedStatus : undefined),
    pump: () => {},
    mayHave: () => true,
    ...change,
  } as Partial<PoolHome> as PoolHome;
  const budget = { used: 0, limit, slots: new OpeningSlots<PoolHome>(), line: new RetryLine(() => 0) };
  const tools = {
    context: {
      settings: DELIVERY_DEFAULTS,
      clock: { now: () => ({ wall: time.now, monotonic: time.now }) },
    },
    tools: { resolver: { mx: never, addresses: never }, hosts: new HostStates(), now: () => time.now },
    budget,
    random: () => 0.5,
  } as unknown as PoolTools;
  return { pool: new ConnectionPool(home, tools), budget, time, failures };
}

/** A connection that carries so many transactions more, and keeps what it is given. */
function connection(name: string, left: number, load = 0) {
  const assigned: Parcel[] = [];
  const state = { isClosed: false };
  const fake = {
    hostKey: name,
    hostText: name,
    load,
    isRetired: false,
    idleSince: 0,
    isSlow: () => false,
    takes: (transactions: number) => assigned.length === 0 && transactions <= left,
    assign: (parcel: Parcel) => void assigned.push(parcel),
    close: async () => void (state.isClosed = true),
  };
  return { fake: fake as unknown as DeliveryConnection, assigned, state };
}

function readyWith(...parcels: Parcel[]): ReadyParcels {
  const ready = new ReadyParcels();
  for (const parcel of parcels) ready.push(parcel);
  return ready;
}

describe('a pool of connections', () => {
  it('finds out with one connection whether there is anybody, and does not wait long for that', () => {
    const { pool, budget, time } = poolFor();
    expect(pool.wantsMore(1_000, 0)).toBe(true);
    expect(pool.open(undefined)).toBe(true);
    expect([pool.isEmpty, budget.used]).toEqual([false, 1]);
    expect(pool.wantsMore(1_000, 0)).toBe(false);
    time.now = 1_000;
    expect(pool.wantsMore(1_000, time.now)).toBe(true);
  });

  it('stays within what the worker may have', () => {
    const { pool, budget } = poolFor({}, 1);
    expect(pool.mayOpen).toBe(true);
    budget.used = 1;
    expect([pool.mayOpen, pool.wantsMore(1_000, 0)]).toEqual([false, false]);
  });

  it('opens nothing without the credentials of the entry, and waits a moment after that (R152)', async () => {
    const { pool, budget, time, failures } = poolFor({ authProfile: 'relay' });
    expect(pool.open(undefined)).toBe(true);
    await Promise.resolve();
    expect([failures, budget.used, pool.isEmpty]).toEqual([['4.7.0'], 0, true]);
    expect(pool.mayOpen).toBe(false);
    time.now = 1_000;
    expect(pool.mayOpen).toBe(true);
  });

  it('does not hold against the hosts what failed by terms of before', async () => {
    const { pool, failures } = poolFor({ authProfile: 'relay' });
    pool.open(undefined);
    pool.outdate();
    await Promise.resolve();
    expect([failures, pool.mayOpen]).toEqual([[undefined], true]);
  });

  it('closes what has had nothing to do for too long', () => {
    const { pool } = poolFor();
    const [idle, busy] = [connection('a', 1), connection('b', 1, 1)];
    pool.connections.push(idle.fake, busy.fake);
    pool.tick(DELIVERY_DEFAULTS.idleConnectionMs - 1);
    expect(idle.state.isClosed).toBe(false);
    pool.tick(DELIVERY_DEFAULTS.idleConnectionMs);
    expect([idle.state.isClosed, busy.state.isClosed]).toEqual([true, false]);
  });
});

describe('handing out', () => {
  const now = { wall: 0, monotonic: 0 };
  const steady = (): number => 5;

  it('gives to a connection without work first', () => {
    const { pool } = poolFor();
    const [busy, idle] = [connection('a', 9, 1), connection('b', 9)];
    pool.connections.push(busy.fake, idle.fake);
    handOut(readyWith(parcelOf('m')), pool, undefined, now, steady);
    expect([busy.assigned.length, idle.assigned.length]).toEqual([0, 1]);
  });

  it('closes idle connections that cannot carry the splinters of a message together (R105)', () => {
    const { pool } = poolFor();
    const one = connection('a', 1);
    pool.connections.push(one.fake);
    const sends = [0, 1].map((copy) => ({ copy, recipients: [copy] }));
    const ready = readyWith(parcelOf('m', { sends }));
    handOut(ready, pool, undefined, now, steady);
    expect([ready.transactions, one.assigned.length, one.state.isClosed]).toEqual([2, 0, true]);
  });

  it('gives a particular parcel to a connection that suits it only (R57, D3)', () => {
    const { pool } = poolFor();
    const [a, b] = [connection('a', 9), connection('b', 9)];
    pool.connections.push(a.fake, b.fake);
    const ready = readyWith(parcelOf('m', { preferredHost: 'b' }), parcelOf('n', { preferredHost: 'b' }));
    handOut(ready, pool, undefined, now, steady);
    expect([a.assigned.length, b.assigned.length, ready.transactions]).toEqual([0, 1, 1]);
  });

  it('stops at the limit of recipients, and says until when (R140)', () => {
    const { pool } = poolFor();
    const [a, b] = [connection('a', 9), connection('b', 9)];
    pool.connections.push(a.fake, b.fake);
    const sends = [{ copy: 0, recipients: [0, 1, 2] }];
    const ready = readyWith(parcelOf('m', { sends }), parcelOf('n', { sends }));
    const limit = new RecipientLimit({ most: 4, windowMs: 60_000 });
    expect(handOut(ready, pool, limit, now, steady)).toBe(60_005);
    expect([a.assigned.length, b.assigned.length, ready.transactions]).toEqual([1, 0, 1]);
    expect(handOut(readyWith(parcelOf('o')), pool, limit, now, steady)).toBe(0);
  });
});
