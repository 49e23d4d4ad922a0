import {
  type DestinationKey,
  fairShare,
  type LimitBoard,
  type RecipientLease,
  staticShare,
} from '@mailyard/delivery-rules';
import { InProcessLimitBoard } from '@mailyard/memory';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { WorkerContext } from '../context.ts';
import { type LimitUser, SharedLimits } from './shared-limits.ts';
import { SteadyTime } from '../partitions/steady-time.ts';

const rising = (a: number, b: number): number => a - b;

const STEP_MS = 100;
/** How long a connection that is to be closed still has something to send, at most. */
const SENDING_STEPS = 3;
const WINDOW_MS = 60_000;

/** A destination of one worker: it opens what it has mail for and may, and closes what it must not have. */
class User implements LimitUser {
  readonly key = 'mx.example.net:25 under example.com' as DestinationKey;
  terms: LimitUser['terms'];
  demand = 0;
  readonly limits: SharedLimits;
  readonly recipients: RecipientLease;
  /** Recipients of each parcel that waits. */
  readonly parcels: number[] = [];
  sent = 0;
  readonly #now: () => number;
  /** Steps after which each connection is closed; undefined where it stays. */
  readonly #connections: { closesIn: number | undefined }[] = [];

  constructor(limit: number, now: () => number, limits: (user: User) => SharedLimits) {
    this.terms = { maxConnections: limit, isShared: true } as unknown as LimitUser['terms'];
    this.#now = now;
    this.limits = limits(this);
    this.recipients = this.limits.recipients(this, { most: limit, windowMs: WINDOW_MS });
  }

  get readyCount(): number {
    return this.parcels.length;
  }

  get inUse(): number {
    return this.#connections.length;
  }

  get busy(): number {
    return Math.min(this.inUse, this.demand);
  }

  pump(): void {
    while (this.inUse < this.demand && this.limits.mayHave(this, this.inUse + 1, this.demand))
      this.#connections.push({ closesIn: undefined });
    while (this.parcels.length > 0 && this.recipients.freeAt(this.parcels[0]!, this.#now()) === 0) {
      this.recipients.take(this.parcels[0]!, this.#now());
      this.sent += this.parcels.shift()!;
    }
  }

  closeBeyond(most: number): void {
    for (const one of this.#connections.slice(most)) one.closesIn ??= SENDING_STEPS;
  }

  unblock(): void {}

  step(): void {
    this.closeBeyond(this.demand);
    for (const one of [...this.#connections]) {
      if (one.closesIn === undefined || --one.closesIn > 0) continue;
      this.#connections.splice(this.#connections.indexOf(one), 1);
      this.limits.closed(this);
    }
    this.pump();
  }
}

/** Workers with one destination each that share one limit, in time that a test lets pass. */
class World {
  now = 0;
  readonly board = new InProcessLimitBoard(() => this.now);
  readonly users: User[];
  readonly limit: number;
  readonly #alive: Set<User>;
  readonly #cut = new Set<User>();
  /** The most connections there ever were at once, since it was asked last. */
  #most = 0;
  exchanges = 0;

  constructor(limit: number, workers: number) {
    this.limit = limit;
    const clock = { now: () => ({ wall: this.now, monotonic: this.now }), after: () => ({ cancel: () => {} }) };
    this.users = Array.from({ length: workers }, (_, index) => {
      const context = { incarnation: `w${index}`, clock, steady: new SteadyTime(clock.now()) };
      return new User(
        limit,
        () => this.now,
        (user) => {
          const board = this.#reached(this.board.of(`w${index}`), user);
          const partitions = () => ({ owned: 1, all: workers });
          return new SharedLimits(board, context as unknown as WorkerContext, partitions, () => user.pump());
        },
      );
    });
    this.#alive = new Set(this.users);
  }

  #reached(board: LimitBoard, user: User): LimitBoard {
    return {
      exchange: async (...words) => {
        this.exchanges += 1;
        if (this.#cut.has(user)) throw new Error('cut off');
        return board.exchange(...words);
      },
      leave: () => board.leave(),
    };
  }

  get total(): number {
    return this.users.reduce((sum, user) => sum + (this.#alive.has(user) ? user.inUse : 0), 0);
  }

  takeMost(): number {
    const most = this.#most;
    this.#most = this.total;
    return most;
  }

  cut(index: number, isCut: boolean): void {
    this.#cut[isCut ? 'add' : 'delete'](this.users[index]!);
  }

  kill(index: number): void {
    this.#alive.delete(this.users[index]!);
  }

  async pass(ms: number): Promise<void> {
    for (const end = this.now + ms; this.now < end; ) {
      this.now += STEP_MS;
      for (const [index, user] of this.users.entries()) {
        if (!this.#alive.has(user)) continue;
        user.step();
        if ((this.now / STEP_MS + index * 3) % 10 === 0) user.limits.tick();
      }
      for (let i = 0; i < 4; i++) await new Promise((resolve) => setImmediate(resolve));
      this.#most = Math.max(this.#most, this.total);
    }
  }

  /** What the board says that each worker holds. */
  async held(): Promise<Record<string, number>> {
    const statement = { key: this.users[0]!.key, limit: this.limit, inUse: 0, want: 0, hold: 0 };
    const { slots } = await this.board.of('observer').exchange([statement], []);
    const held = Object.fromEntries(this.users.map((_, index) => [`w${index}`, 0]));
    for (const one of slots[0]!.others) held[one.who] = one.held;
    return held;
  }

  get sent(): number {
    return this.users.reduce((sum, { sent }) => sum + sent, 0);
  }

  /** What each worker should have. */
  get fair(): number[] {
    const claims = this.users.flatMap((user, index) =>
      this.#alive.has(user) ? [{ who: `w${index}`, want: user.demand, held: 0 }] : [],
    );
    return this.users.map((_, index) => fairShare(this.limit, claims, `w${index}`, 0));
  }
}

async function settled(limit: number, workers: number): Promise<World> {
  const world = new World(limit, workers);
  await world.pass(11_000);
  return world;
}

describe('limits that all workers share (R140)', () => {
  it('are never exceeded, and within seconds each has its fair share, whoever wants how much when', async () => {
    const change = fc.record({ worker: fc.nat(3), demand: fc.nat(15), ms: fc.constantFrom(100, 700, 4_000) });
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 4, max: 12 }),
        fc.array(change, { minLength: 1, maxLength: 8 }),
        async (limit, changes) => {
          const world = await settled(limit, 4);
          for (const { worker, demand, ms } of changes) {
            world.users[worker]!.demand = demand;
            await world.pass(ms);
          }
          await world.pass(6_000);
          expect(world.takeMost()).toBeLessThanOrEqual(limit);
          const has = world.users.map((user) => user.inUse);
          expect(has.toSorted(rising)).toEqual(world.fair.toSorted(rising));
        },
      ),
      { numRuns: 40 },
    );
  });

  it('are at the disposal of the one who wants them within two seconds', async () => {
    const world = await settled(10, 2);
    world.users[0]!.demand = 10;
    await world.pass(2_000);
    expect(world.users[0]!.inUse).toBe(10);
    world.users[0]!.demand = 0;
    await world.pass(1_000);
    world.users[1]!.demand = 10;
    await world.pass(2_000);
    expect(world.users[1]!.inUse).toBe(10);
    world.users[1]!.demand = 2;
    await world.pass(4_000);
    expect(await world.held()).toEqual({ w0: 0, w1: 2 });
  });

  it('go round where there are more workers than slots', async () => {
    const world = await settled(1, 3);
    const had = new Set<number>();
    for (const user of world.users) user.demand = 5;
    for (let i = 0; i < 25; i++) {
      await world.pass(1_000);
      for (const [index, user] of world.users.entries()) if (user.inUse > 0) had.add(index);
    }
    expect(had).toEqual(new Set([0, 1, 2]));
    expect(world.takeMost()).toBe(1);
  });

  it('need the board once a second where nothing changes, however much is sent', async () => {
    const world = await settled(100, 2);
    for (const user of world.users) user.demand = 5;
    await world.pass(3_000);
    world.exchanges = 0;
    await world.pass(10_000);
    expect(world.exchanges).toBe(20);
  });

  it('come back from a dead worker once its lease is over, not before', async () => {
    const world = await settled(10, 2);
    for (const user of world.users) user.demand = 10;
    await world.pass(4_000);
    expect(world.users.map((user) => user.inUse)).toEqual([5, 5]);
    world.kill(1);
    await world.pass(8_000);
    expect(world.users[0]!.inUse).toBe(5);
    await world.pass(4_000);
    expect(world.users[0]!.inUse).toBe(10);
  });

  it('are split by partitions while the board is away, and hold also when it lost everything', async () => {
    const world = await settled(10, 2);
    world.users[0]!.demand = 10;
    await world.pass(3_000);
    world.users[1]!.demand = 10;
    world.board.isAway = true;
    await world.pass(14_000);
    expect(world.users.map((user) => user.inUse)).toEqual([5, 5]);
    world.users[1]!.demand = 0;
    await world.pass(2_000);
    world.board.forget();
    world.board.isAway = false;
    await world.pass(8_000);
    expect(world.users[0]!.inUse).toBe(5);
    await world.pass(5_000);
    expect(world.users[0]!.inUse).toBe(10);
    expect(world.takeMost()).toBeLessThanOrEqual(10);
  });

  it('are exceeded by the share of a worker that alone does not reach the board, by no more', async () => {
    const world = await settled(10, 2);
    for (const user of world.users) user.demand = 10;
    await world.pass(4_000);
    world.cut(1, true);
    await world.pass(30_000);
    expect(world.takeMost()).toBe(15);
    world.cut(1, false);
    await world.pass(4_000);
    expect(world.users.map((user) => user.inUse)).toEqual([5, 5]);
  });

  it('stay within bounds in any weather', async () => {
    const event = fc.oneof(
      fc.record({ kind: fc.constant('demand' as const), worker: fc.nat(2), demand: fc.nat(15) }),
      fc.record({ kind: fc.constantFrom('away' as const, 'back' as const, 'forget' as const) }),
    );
    const step = fc.tuple(event, fc.constantFrom(300, 2_500, 9_000, 14_000));
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 3, max: 12 }), fc.array(step, { maxLength: 8 }), async (limit, steps) => {
        const world = await settled(limit, 3);
        for (const [what, ms] of steps) {
          if (what.kind === 'demand') world.users[what.worker]!.demand = what.demand;
          else if (what.kind === 'forget') world.board.forget();
          else world.board.isAway = what.kind === 'away';
          await world.pass(ms);
        }
        // What the board forgets while all believe in it they find out one by one.
        const isForgotten = steps.some(([{ kind }]) => kind === 'forget');
        const share = staticShare(limit, { owned: 1, all: 3 });
        expect(world.takeMost()).toBeLessThanOrEqual(isForgotten ? limit + 2 * share : limit);
      }),
      { numRuns: 40 },
    );
  });
});

describe('windows of recipients that all workers share (R140)', () => {
  it('let as many go as they have, whoever sends them, and no more', async () => {
    const parcel = fc.record({
      worker: fc.nat(2),
      recipients: fc.integer({ min: 1, max: 3 }),
      ms: fc.constantFrom(0, 300, 2_000),
    });
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 3, max: 60 }),
        fc.array(parcel, { minLength: 1, maxLength: 40 }),
        async (limit, parcels) => {
          const world = await settled(limit, 3);
          let offered = 0;
          for (const { worker, recipients, ms } of parcels) {
            world.users[worker]!.parcels.push(recipients);
            offered += recipients;
            await world.pass(ms);
            if (offered <= limit) continue;
            break;
          }
          const began = world.now;
          for (const user of world.users) for (let i = 0; i < limit; i++) user.parcels.push(1);
          await world.pass(6_000);
          // One large parcel may stand before others that would fit.
          expect(world.sent).toBeLessThanOrEqual(limit);
          expect(world.sent).toBeGreaterThan(limit - 3);
          await world.pass(WINDOW_MS - (world.now - began) + 2_000);
          expect(world.sent).toBeLessThanOrEqual(2 * limit);
        },
      ),
      { numRuns: 40 },
    );
  });

  it('are split while the board is away: with what was leased before, below twice the limit', async () => {
    const world = await settled(12, 3);
    world.users[0]!.parcels.push(...Array.from({ length: 40 }, () => 1));
    await world.pass(2_000);
    expect(world.sent).toBe(12);
    world.board.isAway = true;
    for (const user of world.users) user.parcels.push(...Array.from({ length: 40 }, () => 1));
    await world.pass(20_000);
    expect(world.users.map(({ sent }) => sent)).toEqual([12, 4, 4]);
    world.board.isAway = false;
    await world.pass(20_000);
    expect(world.sent).toBe(20);
    await world.pass(WINDOW_MS);
    expect(world.sent).toBe(32);
  });

  it('begin anew for all once, whichever worker hears of it first (R210)', async () => {
    const world = await settled(9, 3);
    for (const user of world.users) user.parcels.push(...Array.from({ length: 40 }, () => 1));
    await world.pass(10_000);
    expect(world.sent).toBe(9);
    for (const user of world.users) {
      user.recipients.reset();
      await world.pass(1_000);
    }
    await world.pass(10_000);
    expect(world.sent).toBe(18);
  });
});
