import { randomUUID } from 'node:crypto';
import type { LoggedChangeSet } from '@mailyard/configuration';
import { isMtaError } from '@mailyard/mail';
import { describeConfigurationLog } from '@mailyard/testkit/configuration-log.suite';
import { type RedisServer, startRedis } from '@mailyard/testkit/services/redis';
import { describeWith } from '@mailyard/testkit/services/require-service';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest';
import { RedisConfigurationLog } from './redis-configuration-log.ts';

const LINEAGE = 'lineage-1';

function changeSet(version: number, id: string): LoggedChangeSet {
  return { version, id, lineage: LINEAGE, payload: Buffer.alloc(2_000, id) };
}

await describeWith(['redis'], 'RedisConfigurationLog', () => {
  let server: RedisServer;
  beforeAll(async () => {
    server = await startRedis();
  });
  afterAll(() => server.stop());

  function open(prefix: string = randomUUID(), url = server.url): RedisConfigurationLog {
    const log = new RedisConfigurationLog({ url, prefix });
    onTestFinished(() => log.close());
    return log;
  }

  describeConfigurationLog('redis', async () => {
    const location = { url: server.url, prefix: randomUUID() };
    const logs = [new RedisConfigurationLog(location)];
    const another = (): RedisConfigurationLog => {
      const log = new RedisConfigurationLog(location);
      logs.push(log);
      return log;
    };
    return {
      log: logs[0]!,
      another: () => Promise.resolve(another()),
      restart: async () => {
        await server.kill();
        await server.resume();
        return another();
      },
      dispose: async () => {
        await Promise.all(logs.map((log) => log.close()));
      },
    };
  });

  describe('faults', () => {
    it('has every answered commit after kill -9, and tells by its id of each other one whether it was written', async () => {
      const log = open();
      await log.initialise(LINEAGE);
      const answered: string[] = [];
      let inDoubt = 0;
      let version = 0;
      for (let round = 0; round < 20; round++) {
        const killing = setTimeout(() => void server.kill(), 5 + ((round * 13) % 40));
        for (let turn = 0; ; turn++) {
          const id = `change-${round}-${turn}`;
          try {
            const result = await log.commit(changeSet(version + 1, id));
            expect(result.kind).toBe('committed');
            answered.push(id);
            version += 1;
          } catch (error) {
            clearTimeout(killing);
            await server.kill();
            await server.resume();
            await vi.waitFor(() => log.lineage(), { timeout: 20_000, interval: 50 });
            const found = await log.find(id);
            if (isMtaError(error, 'CONFIGURATION_AWAY')) expect(found).toBeUndefined();
            else expect(isMtaError(error, 'CONFIGURATION_UNCERTAIN')).toBe(true);
            if (isMtaError(error, 'CONFIGURATION_UNCERTAIN')) inDoubt += 1;
            if (found !== undefined) {
              expect({ ...found, payload: Buffer.from(found.payload) }).toEqual(changeSet(version + 1, id));
              answered.push(id);
              version += 1;
            }
            break;
          }
        }
      }
      const read: LoggedChangeSet[] = [];
      for await (const one of log.read(1)) read.push(one);
      expect(read.map(({ id }) => id)).toEqual(answered);
      expect(read.map((one) => one.version)).toEqual(answered.map((_, at) => at + 1));
      expect(inDoubt).toBeGreaterThan(0);
    });

    it('does not know whether a commit was written whose answer did not come', async () => {
      const log = open();
      await log.initialise(LINEAGE);
      await server.freeze();
      onTestFinished(() => server.thaw());
      const commit = log.commit(changeSet(1, 'frozen'));
      await expect(commit).rejects.toMatchObject({ code: 'CONFIGURATION_UNCERTAIN' });
      await server.thaw();
      await vi.waitFor(async () => expect(await log.find('frozen')).toBeDefined(), { timeout: 10_000 });
      expect(await log.commit(changeSet(1, 'frozen'))).toEqual({ kind: 'committed' });
    });

    it('is away, and says that nothing was written, while there is no connection', async () => {
      const own = await startRedis();
      onTestFinished(() => own.stop());
      const log = open(randomUUID(), own.url);
      await log.initialise(LINEAGE);
      await own.kill();
      await vi.waitFor(
        () => expect(log.commit(changeSet(1, 'late'))).rejects.toMatchObject({ code: 'CONFIGURATION_AWAY' }),
        { timeout: 20_000 },
      );
      await expect(log.lineage()).rejects.toMatchObject({ code: 'CONFIGURATION_AWAY' });
      await own.resume();
      await vi.waitFor(async () => expect(await log.lineage()).toBe(LINEAGE), { timeout: 20_000 });
      expect(await log.find('late')).toBeUndefined();
    });

    it('goes back to empty after FLUSHALL, tells its watchers, and takes no commit of before', async () => {
      const own = await startRedis();
      onTestFinished(() => own.stop());
      const log = open(randomUUID(), own.url);
      await log.initialise(LINEAGE);
      await log.commit(changeSet(1, 'kept'));
      const told = vi.fn<() => void>();
      log.watch(told);
      await vi.waitFor(() => expect(told).toHaveBeenCalledTimes(1), { timeout: 10_000 });
      const client = new Redis(own.url);
      onTestFinished(() => client.disconnect());
      await client.flushall();
      await vi.waitFor(() => expect(told.mock.calls.length).toBeGreaterThan(1), { timeout: 10_000 });
      expect(await log.lineage()).toBeUndefined();
      expect(await log.commit(changeSet(2, 'after'))).toEqual({ kind: 'conflict', version: 0 });
      await log.initialise('lineage-2');
      expect(await log.lineage()).toBe('lineage-2');
      expect(await log.commit(changeSet(1, 'after'))).toEqual({ kind: 'conflict', version: 0 });
    });

    it('waits for the disk of a replica, and vouches for nothing where Redis cannot', async () => {
      const [primary, replica] = [await startRedis(), await startRedis()];
      const client = new Redis(replica.url);
      const primaryClient = new Redis(primary.url);
      onTestFinished(async () => {
        client.disconnect();
        primaryClient.disconnect();
        await Promise.all([primary.stop(), replica.stop()]);
      });
      const log = open(randomUUID(), primary.url);
      await log.initialise(LINEAGE);
      await client.replicaof('127.0.0.1', primary.port);
      await vi.waitFor(async () => expect(await client.info('replication')).toMatch(/master_link_status:up/), {
        timeout: 20_000,
      });
      const waits = await primaryClient
        .call('COMMAND', 'INFO', 'waitaof')
        .then((answer) => (answer as unknown[])[0] !== null);
      if (waits) expect(await log.commit(changeSet(1, 'replicated'))).toEqual({ kind: 'committed' });
      else {
        await expect(log.commit(changeSet(1, 'replicated'))).rejects.toMatchObject({ code: 'CONFIGURATION_UNCERTAIN' });
        expect(await log.check()).toContainEqual(expect.stringMatching(/use 7.2 or newer with replicas/));
      }
      expect(await log.find('replicated')).toBeDefined();
    });

    it('watches on after Redis was gone', async () => {
      const own = await startRedis();
      onTestFinished(() => own.stop());
      const log = open(randomUUID(), own.url);
      await log.initialise(LINEAGE);
      let told = 0;
      log.watch(() => (told += 1));
      await vi.waitFor(() => expect(told).toBeGreaterThan(0), { timeout: 10_000 });
      await own.kill();
      await own.resume();
      const before = told;
      await vi.waitFor(() => log.commit(changeSet(1, 'new')), { timeout: 20_000 });
      await vi.waitFor(() => expect(told).toBeGreaterThan(before), { timeout: 20_000 });
    });
  });

  describe('check', () => {
    it('has nothing to complain of a safe Redis', async () => {
      expect(await open().check()).toEqual([]);
    });

    it.each([
      [{ appendfsync: 'off' } as const, /^appendonly is no/],
      [{ appendfsync: 'everysec' } as const, /^appendfsync is everysec/],
      [{ maxmemoryPolicy: 'allkeys-lru' } as const, /^maxmemory-policy is allkeys-lru/],
    ])('complains of %j', async (options, complaint) => {
      const own = await startRedis(options);
      onTestFinished(() => own.stop());
      expect(await open(randomUUID(), own.url).check()).toContainEqual(expect.stringMatching(complaint));
    });

    it('complains when it may not look', async () => {
      const client = new Redis(server.url);
      onTestFinished(() => client.disconnect());
      await client.acl('SETUSER', 'narrow', 'on', '>secret', '~*', '+eval', '+xrange', '+xrevrange', '+ping');
      const log = open(randomUUID(), server.url.replace('redis://', 'redis://narrow:secret@'));
      expect(await log.check()).toHaveLength(2);
    });
  });
});
