/** The contract of the limit board: every sentence of the port's docstrings, for any driver. */
import {
  LEASE_MS,
  type LimitBoard,
  type RecipientStatement,
  RESET_REST_MS,
  type SlotStatement,
} from '@mailyard/delivery-rules';
import * as fc from 'fast-check';
import { describe, expect, it, onTestFinished } from 'vitest';

/** Boards of workers who share limits. */
export interface LimitBoardSubject {
  readonly of: (who: string) => LimitBoard;
  /** Lets time pass by the board's clock. */
  readonly pass: (ms: number) => Promise<void>;
  readonly dispose: () => Promise<void>;
}

const KEY = 'mx.example.net:25 under example.com';
const slot = (change: Partial<SlotStatement>): SlotStatement => ({
  key: KEY,
  limit: 10,
  inUse: 0,
  want: 0,
  hold: 0,
  ...change,
});
const people = (change: Partial<RecipientStatement>): RecipientStatement => ({
  key: KEY,
  most: 10,
  windowMs: 60_000,
  ask: 0,
  least: Math.min(1, change.ask ?? 0),
  back: undefined,
  spent: 0,
  isReset: false,
  ...change,
});

/** Runs the contract suite against a driver. `factory` makes boards that know nothing yet for each test. */
export function describeLimitBoard(name: string, factory: () => Promise<LimitBoardSubject>): void {
  describe(`limit board: ${name}`, () => {
    async function subject(): Promise<LimitBoardSubject & { one: LimitBoard; other: LimitBoard }> {
      const made = await factory();
      onTestFinished(made.dispose);
      const [one, other] = [made.of('one'), made.of('other')];
      await one.exchange([], []);
      await other.exchange([], []);
      return { ...made, one, other };
    }

    async function held(board: LimitBoard, change: Partial<SlotStatement>): Promise<number> {
      const { slots } = await board.exchange([slot(change)], []);
      return slots[0]!.held;
    }

    async function granted(board: LimitBoard, change: Partial<RecipientStatement>): Promise<number> {
      const { recipients } = await board.exchange([], [people(change)]);
      return recipients[0]!.granted;
    }

    it('tells a worker whether it was known (I5)', async () => {
      const { of, one, pass } = await subject();
      expect((await one.exchange([], [])).isNew).toBe(false);
      expect((await of('third').exchange([], [])).isNew).toBe(true);
      await pass(LEASE_MS + 1);
      expect((await one.exchange([], [])).isNew).toBe(true);
    });

    it('gives slots as they are free, and tells what the others have and want (R140)', async () => {
      const { one, other } = await subject();
      expect(await held(one, { want: 7, hold: 7 })).toBe(7);
      const { slots } = await other.exchange([slot({ want: 6, hold: 6 })], []);
      expect(slots[0]).toEqual({ held: 3, others: [{ who: 'one', want: 7, held: 7 }] });
      expect(await held(one, { want: 2, hold: 2, inUse: 2 })).toBe(2);
      expect(await held(other, { want: 6, hold: 6 })).toBe(6);
    });

    it('answers each of many limits, in their order', async () => {
      const { one, other } = await subject();
      await other.exchange([slot({ key: 'b', limit: 5, want: 4, hold: 4 })], [people({ key: 'y', ask: 9 })]);
      const { slots, recipients } = await one.exchange(
        [slot({ key: 'a', limit: 3, want: 9, hold: 9 }), slot({ key: 'b', limit: 5, want: 9, hold: 9 })],
        [people({ key: 'x', ask: 4 }), people({ key: 'y', ask: 4 })],
      );
      expect(slots.map((answer) => answer.held)).toEqual([3, 1]);
      expect(recipients.map((answer) => answer.granted)).toEqual([4, 1]);
    });

    it('never gives less than what is in use, and counts that against the others', async () => {
      const { one, other } = await subject();
      expect(await held(one, { limit: 4, inUse: 6, want: 1, hold: 1 })).toBe(6);
      expect(await held(other, { limit: 4, want: 1, hold: 1 })).toBe(0);
    });

    it('tells whoever holds that another wants more', async () => {
      const { one, other, pass } = await subject();
      await held(one, { want: 10, hold: 10 });
      await one.exchange([], []);
      await held(other, { want: 1, hold: 1 });
      expect((await one.exchange([], [])).awaited).toEqual([KEY]);
      await held(one, { want: 1, hold: 1 });
      await held(other, { want: 1, hold: 1 });
      await pass(5);
      await one.exchange([], []);
      expect((await one.exchange([], [])).awaited).toEqual([]);
    });

    it('gives what a dead worker held to the others once its time is up, and what one gave back at once', async () => {
      const { one, other, pass } = await subject();
      await held(one, { want: 10, hold: 10 });
      await pass(LEASE_MS - 1_000);
      expect(await held(other, { want: 4, hold: 4 })).toBe(0);
      await pass(1_001);
      expect(await held(other, { want: 4, hold: 4 })).toBe(4);
      expect(await held(one, { want: 10, hold: 10 })).toBe(6);
      await other.leave();
      expect(await held(one, { want: 10, hold: 10 })).toBe(10);
    });

    it('keeps what a worker holds as long as it says anything', async () => {
      const { one, other, pass } = await subject();
      await held(one, { want: 10, hold: 10 });
      for (let i = 0; i < 3; i++) {
        await pass(LEASE_MS - 1_000);
        await one.exchange([], []);
      }
      expect(await held(other, { want: 4, hold: 4 })).toBe(0);
    });

    it('grants recipients of one window to all workers together, and new ones in the next (R140)', async () => {
      const { one, other, pass } = await subject();
      expect(await granted(one, { ask: 7 })).toBe(7);
      const { recipients } = await other.exchange([], [people({ ask: 7 })]);
      expect(recipients[0]!.granted).toBe(3);
      expect(recipients[0]!.endsInMs).toBeGreaterThan(50_000);
      expect(recipients[0]!.endsInMs).toBeLessThanOrEqual(60_000);
      expect(await granted(one, { ask: 1 })).toBe(0);
      await pass(60_001);
      expect(await granted(one, { ask: 7 })).toBe(7);
    });

    it('grants nothing where less is left than is of use', async () => {
      const { one, other } = await subject();
      expect(await granted(one, { ask: 8 })).toBe(8);
      expect(await granted(other, { ask: 5, least: 3 })).toBe(0);
      expect(await granted(other, { ask: 5, least: 2 })).toBe(2);
    });

    it('takes back what was not used of the window that is open, of no other one', async () => {
      const { one, other, pass } = await subject();
      const first = (await one.exchange([], [people({ ask: 10 })])).recipients[0]!.window;
      expect(await granted(other, { ask: 1 })).toBe(0);
      await granted(one, { back: { window: first, count: 4 } });
      expect(await granted(other, { ask: 10 })).toBe(4);
      await pass(60_001);
      await granted(other, { ask: 10 });
      expect(await granted(one, { ask: 1, back: { window: first, count: 6 } })).toBe(0);
    });

    it('counts what was used without a lease', async () => {
      const { one, other } = await subject();
      await granted(one, { spent: 8 });
      expect(await granted(other, { ask: 10 })).toBe(2);
      await granted(one, { spent: 8 });
      expect(await granted(other, { ask: 1 })).toBe(0);
    });

    it('begins a window anew when told to, once for all workers (R210)', async () => {
      const { one, other, pass } = await subject();
      await granted(one, { ask: 10 });
      expect(await granted(one, { ask: 6, isReset: true })).toBe(6);
      expect(await granted(other, { ask: 10, isReset: true })).toBe(4);
      await pass(RESET_REST_MS);
      expect(await granted(other, { ask: 10, isReset: true })).toBe(10);
    });

    it('follows another limit of slots and of recipients at once', async () => {
      const { one, other } = await subject();
      await held(one, { want: 5, hold: 5 });
      expect(await held(other, { limit: 20, want: 20, hold: 20 })).toBe(15);
      expect(await granted(one, { ask: 10 })).toBe(10);
      expect(await granted(other, { most: 15, ask: 10 })).toBe(5);
    });

    it('never has more leased than the limit, whoever asks for what', async () => {
      const { of } = await subject();
      const wish = fc.record({ who: fc.nat(2), want: fc.nat(14), use: fc.nat(14), ask: fc.nat(6) });
      let run = 0;
      await fc.assert(
        fc.asyncProperty(fc.array(wish, { maxLength: 12 }), async (wishes) => {
          const key = `run ${++run}`;
          const boards = ['a', 'b', 'c'].map((who) => of(who));
          const has = [0, 0, 0];
          let recipients = 0;
          for (const { who, want, use, ask } of wishes) {
            const inUse = Math.min(use, has[who]!);
            const answer = await boards[who]!.exchange(
              [slot({ key, inUse, want, hold: want })],
              [people({ key, most: 20, ask, least: 0 })],
            );
            const free = 10 - has.reduce((sum, one, index) => (index === who ? sum : sum + one), 0);
            expect(answer.slots[0]!.held).toBe(Math.max(inUse, Math.min(want, free)));
            has[who] = answer.slots[0]!.held;
            expect(answer.recipients[0]!.granted).toBe(Math.min(ask, 20 - recipients));
            recipients += answer.recipients[0]!.granted;
          }
        }),
        { numRuns: 50 },
      );
    });
  });
}
