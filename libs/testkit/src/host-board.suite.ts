/** The contract of the host board: every sentence of the port's docstrings, for any driver. */
import type { HostBoard, HostReport } from '@mailyard/delivery-rules';
import { describe, expect, it, onTestFinished, vi } from 'vitest';

/** Boards of two workers who share what they know. */
export interface HostBoardSubject {
  readonly one: HostBoard;
  readonly other: HostBoard;
  readonly dispose: () => Promise<void>;
}

/** Runs the contract suite against a driver. `factory` makes boards that know nothing yet for each test. */
export function describeHostBoard(name: string, factory: () => Promise<HostBoardSubject>): void {
  describe(`host board: ${name}`, () => {
    const patience = { timeout: 10_000, interval: 5 };
    const down: HostReport = { state: 'down', downUntil: Date.now() + 60_000, failures: 1 };
    const up: HostReport = { state: 'up', downUntil: 0, failures: 0 };

    async function subject(): Promise<HostBoardSubject> {
      const made = await factory();
      onTestFinished(made.dispose);
      return made;
    }

    function heardBy(board: HostBoard): [string, HostReport][] {
      const heard: [string, HostReport][] = [];
      board.onReport((host, report) => heard.push([host, report]));
      return heard;
    }

    /** Says it again until it was heard: a board may take a moment to connect, and is only ever a hint. */
    async function published(board: HostBoard, report: HostReport, heard: readonly unknown[]): Promise<void> {
      const before = heard.length;
      await vi.waitFor(
        () => {
          board.publish('mx.example.com:25', report);
          expect(heard.length).toBeGreaterThan(before);
        },
        { timeout: 10_000, interval: 100 },
      );
    }

    it('tells the other worker what one found, down and up again', async () => {
      const { one, other } = await subject();
      const heard = heardBy(other);
      await published(one, down, heard);
      expect(heard.at(-1)).toEqual(['mx.example.com:25', down]);
      await published(one, up, heard);
      await vi.waitFor(() => expect(heard.at(-1)).toEqual(['mx.example.com:25', up]), patience);
    });

    it('tells nobody what he said himself', async () => {
      const { one, other } = await subject();
      const own = heardBy(one);
      const heard = heardBy(other);
      await published(one, down, heard);
      await published(one, down, heard);
      expect(own).toEqual([]);
    });

    it('tells whoever comes later which hosts are down, and not which were', async () => {
      const { one, other } = await subject();
      const early = heardBy(other);
      await published(one, down, early);
      const late = heardBy(other);
      await vi.waitFor(() => expect(late).toContainEqual(['mx.example.com:25', down]), patience);
      await published(one, up, early);
      await vi.waitFor(() => expect(early.at(-1)?.[1].state).toBe('up'), patience);
      const latest: [string, HostReport][] = heardBy(other);
      await published(one, up, latest);
      expect(latest.every(([, { state }]) => state === 'up')).toBe(true);
    });

    it('lets one worker probe, the next when the time is up or the first has reported (R76)', async () => {
      const { one, other } = await subject();
      const heard = heardBy(other);
      await published(one, up, heard);
      expect(await one.claimProbe('mx.example.com:25', 60_000)).toBe(true);
      expect(await other.claimProbe('mx.example.com:25', 60_000)).toBe(false);
      expect(await other.claimProbe('mx.example.net:25', 60_000)).toBe(true);
      await published(one, down, heard);
      await vi.waitFor(async () => expect(await other.claimProbe('mx.example.com:25', 50)).toBe(true), patience);
      await vi.waitFor(async () => expect(await one.claimProbe('mx.example.com:25', 50)).toBe(true), patience);
    });
  });
}
