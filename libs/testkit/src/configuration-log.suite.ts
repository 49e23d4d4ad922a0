/** The contract of the configuration log: every sentence of the port's docstrings, for any driver. */
import type { ConfigurationLog, LoggedChangeSet } from '@mailyard/configuration';
import { isMtaError } from '@mailyard/mail';
import { afterEach, describe, expect, it, vi } from 'vitest';

/** An empty log, and what can be done to it. */
export interface ConfigurationLogSubject {
  readonly log: ConfigurationLog;
  /** Another writer's view of the same log. It is closed with the subject. */
  readonly another?: () => Promise<ConfigurationLog>;
  /** Ends the process that holds the log, or the server behind it, without warning where it can, and opens it again. */
  readonly restart?: () => Promise<ConfigurationLog>;
  readonly dispose: () => Promise<void>;
}

const LINEAGE = 'lineage-1';

function changeSet(version: number, id = `change-${version}`): LoggedChangeSet {
  // Every octet value: payloads are opaque.
  return {
    version,
    id,
    lineage: LINEAGE,
    payload: Uint8Array.from({ length: 300 }, (_, at) => (at + version) & 255),
  };
}

async function contents(log: ConfigurationLog, from = 1): Promise<LoggedChangeSet[]> {
  const read: LoggedChangeSet[] = [];
  for await (const { version, id, lineage, payload } of log.read(from))
    read.push({ version, id, lineage, payload: Uint8Array.from(payload) });
  return read;
}

/** Runs the contract suite against a driver. `factory` makes an empty log for each test. */
export function describeConfigurationLog(name: string, factory: () => Promise<ConfigurationLogSubject>): void {
  describe(`configuration log: ${name}`, () => {
    const cleanups: (() => Promise<void>)[] = [];
    afterEach(async () => {
      for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
    });

    async function subject(): Promise<ConfigurationLogSubject> {
      const made = await factory();
      cleanups.push(made.dispose);
      return made;
    }

    async function initialised(): Promise<ConfigurationLogSubject> {
      const made = await subject();
      await made.log.initialise(LINEAGE);
      return made;
    }

    it('has no lineage until one is written, and takes only one', async () => {
      const { log } = await subject();
      expect(await log.lineage()).toBeUndefined();
      expect(await contents(log)).toEqual([]);
      expect(await log.snapshot()).toBeUndefined();
      await log.initialise(LINEAGE);
      expect(await log.lineage()).toBe(LINEAGE);
      const error = await log.initialise('lineage-2').catch((caught: unknown) => caught);
      expect(isMtaError(error, 'CONFIGURATION_EXISTS')).toBe(true);
      expect(await log.lineage()).toBe(LINEAGE);
    });

    it('takes change sets in order, and gives them back octet for octet from any version on', async () => {
      const { log } = await initialised();
      for (let version = 1; version <= 5; version++)
        expect(await log.commit(changeSet(version))).toEqual({ kind: 'committed' });
      expect(await contents(log)).toEqual([1, 2, 3, 4, 5].map((version) => changeSet(version)));
      expect(await contents(log, 4)).toEqual([changeSet(4), changeSet(5)]);
      expect(await contents(log, 6)).toEqual([]);
    });

    it('keeps a payload of 200 kB', async () => {
      const { log } = await initialised();
      const payload = Uint8Array.from({ length: 200_000 }, (_, at) => (at * 7) & 255);
      await log.commit({ ...changeSet(1), payload });
      expect(await contents(log)).toEqual([{ ...changeSet(1), payload }]);
    });

    it('tells the newest version to a writer that is late or early, and takes nothing from it', async () => {
      const { log } = await initialised();
      await log.commit(changeSet(1));
      await log.commit(changeSet(2));
      expect(await log.commit(changeSet(2, 'other'))).toEqual({ kind: 'conflict', version: 2 });
      expect(await log.commit(changeSet(4, 'early'))).toEqual({ kind: 'conflict', version: 2 });
      expect(await log.find('other')).toBeUndefined();
      expect(await contents(log)).toHaveLength(2);
    });

    it('takes nothing of another lineage, and nothing without one', async () => {
      const { log } = await subject();
      expect((await log.commit(changeSet(1))).kind).toBe('conflict');
      await log.initialise(LINEAGE);
      expect((await log.commit({ ...changeSet(1), lineage: 'lineage-2' })).kind).toBe('conflict');
      expect(await contents(log)).toEqual([]);
    });

    it('lets exactly one of many writers on one version win', async () => {
      const { log, another } = await initialised();
      const logs = [log, (await another?.()) ?? log];
      for (let version = 1; version <= 5; version++) {
        const results = await Promise.all(
          Array.from({ length: 8 }, (_, writer) =>
            logs[writer % 2]!.commit(changeSet(version, `writer-${version}-${writer}`)),
          ),
        );
        expect(results.filter(({ kind }) => kind === 'committed')).toHaveLength(1);
        for (const result of results) if (result.kind === 'conflict') expect(result.version).toBe(version);
        const winner = results.findIndex(({ kind }) => kind === 'committed');
        expect((await contents(logs[1]!)).at(-1)?.id).toBe(`writer-${version}-${winner}`);
      }
    });

    it('takes the same change again as the same', async () => {
      const { log } = await initialised();
      await log.commit(changeSet(1));
      await log.commit(changeSet(2));
      expect(await log.commit(changeSet(1))).toEqual({ kind: 'committed' });
      expect(await log.commit(changeSet(2))).toEqual({ kind: 'committed' });
      expect(await contents(log)).toHaveLength(2);
    });

    it('finds a change set by its id', async () => {
      const { log } = await initialised();
      await log.commit(changeSet(1));
      const found = await log.find('change-1');
      expect({ ...found, payload: Uint8Array.from(found!.payload) }).toEqual(changeSet(1));
      expect(await log.find('change-2')).toBeUndefined();
    });

    it('tells watchers of new versions, until they leave', async () => {
      const { log, another } = await initialised();
      let told = 0;
      const leave = log.watch(() => (told += 1));
      await ((await another?.()) ?? log).commit(changeSet(1));
      await vi.waitFor(() => expect(told).toBeGreaterThan(0), { timeout: 20_000, interval: 5 });
      leave();
      let later = 0;
      const before = told;
      log.watch(() => (later += 1));
      await log.commit(changeSet(2));
      await vi.waitFor(() => expect(later).toBeGreaterThan(0), { timeout: 20_000, interval: 5 });
      expect(told).toBe(before);
    });

    it('keeps the newest snapshot, which changes nothing of what reading yields', async () => {
      const { log } = await initialised();
      for (let version = 1; version <= 3; version++) await log.commit(changeSet(version));
      await log.writeSnapshot(2, new Uint8Array([1, 2, 255]));
      await log.writeSnapshot(3, new Uint8Array([3, 0, 3]));
      await log.writeSnapshot(1, new Uint8Array([9]));
      const snapshot = await log.snapshot();
      expect(snapshot?.version).toBe(3);
      expect([...snapshot!.payload]).toEqual([3, 0, 3]);
      expect(await contents(log)).toEqual([1, 2, 3].map((version) => changeSet(version)));
      expect(await log.commit(changeSet(4))).toEqual({ kind: 'committed' });
    });

    it('has after a restart all that was committed', async ({ skip }) => {
      const { log, restart } = await initialised();
      if (restart === undefined) return skip('the log does not outlive its process');
      await log.commit(changeSet(1));
      await log.writeSnapshot(1, new Uint8Array([1]));
      await log.commit(changeSet(2));
      const again = await restart();
      expect(await again.lineage()).toBe(LINEAGE);
      expect(await contents(again)).toEqual([changeSet(1), changeSet(2)]);
      expect((await again.snapshot())?.version).toBe(1);
      expect(await again.commit(changeSet(2, 'other'))).toEqual({ kind: 'conflict', version: 2 });
      expect(await again.commit(changeSet(3))).toEqual({ kind: 'committed' });
    });
  });
}
