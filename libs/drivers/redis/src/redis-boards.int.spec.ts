import { randomUUID } from 'node:crypto';
import { describeHostBoard } from '@mailyard/testkit/host-board.suite';
import { type RedisServer, startRedis } from '@mailyard/testkit/services/redis';
import { describeWith } from '@mailyard/testkit/services/require-service';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest';
import { RedisHostBoard } from './redis-host-board.ts';
import { RedisPresence } from './redis-presence.ts';
import { RedisPressureBoard } from './redis-pressure-board.ts';
import { RedisRecipientBoard } from './redis-recipient-board.ts';

const patience = { timeout: 20_000, interval: 20 };

await describeWith(['redis'], 'boards in Redis', () => {
  let server: RedisServer;
  beforeAll(async () => {
    server = await startRedis();
  });
  afterAll(() => server.stop());

  describeHostBoard('redis', () => {
    const location = { url: server.url, prefix: randomUUID() };
    const [one, other] = [new RedisHostBoard(location, 'one'), new RedisHostBoard(location, 'other')];
    return Promise.resolve({
      one,
      other,
      dispose: () => {
        one.close();
        other.close();
        return Promise.resolve();
      },
    });
  });

  it('gives leave to probe while Redis is away', async () => {
    const own = await startRedis();
    onTestFinished(() => own.stop());
    const board = new RedisHostBoard({ url: own.url }, 'one');
    onTestFinished(() => board.close());
    await vi.waitFor(async () => {
      await board.claimProbe('a', 60_000);
      expect(await board.claimProbe('a', 60_000)).toBe(false);
    }, patience);
    await own.kill();
    await vi.waitFor(async () => expect(await board.claimProbe('a', 60_000)).toBe(true), patience);
    board.publish('a', { state: 'up', downUntil: 0, failures: 0 });
  });

  describe('RedisRecipientBoard', () => {
    it('adds what all tell, and answers with the sum of an hour and the one before (R128)', async () => {
      const location = { url: server.url, prefix: randomUUID() };
      const [one, other] = [new RedisRecipientBoard(location), new RedisRecipientBoard(location)];
      onTestFinished(() => [one, other].forEach((board) => board.close()));
      const news = (client: string, hour: number, recipients: number) => ({ client, hour, recipients });
      await vi.waitFor(() => one.share([news('a', 11, 30)]), patience);
      await vi.waitFor(async () => expect(await other.share([news('a', 12, 5)])).toHaveLength(1), patience);
      expect(await one.share([news('a', 12, 2), news('b', 12, 1)])).toEqual([
        { client: 'a', hour: 12, recipients: 7, before: 30 },
        { client: 'b', hour: 12, recipients: 1, before: 0 },
      ]);
      const client = new Redis(server.url);
      onTestFinished(() => client.disconnect());
      expect(await client.ttl(`${location.prefix}:recipients:12`)).toBeGreaterThan(7200);
    });

    it('tells nobody while Redis is away', async () => {
      const own = await startRedis();
      onTestFinished(() => own.stop());
      const board = new RedisRecipientBoard({ url: own.url });
      onTestFinished(() => board.close());
      await own.kill();
      await expect(board.share([{ client: 'a', hour: 12, recipients: 1 }])).rejects.toThrow();
    });
  });

  describe('RedisPresence', () => {
    function presence(prefix: string, url = server.url): RedisPresence {
      const made = new RedisPresence({ url, prefix });
      onTestFinished(() => made.close());
      return made;
    }
    const card = { worker: 'worker-1', grpc: '127.0.0.1:50051', partitions: [1, 2] };

    it('is present from the announcement to the withdrawal (I5)', async () => {
      const prefix = randomUUID();
      const [owner, reader] = [presence(prefix), presence(prefix)];
      expect(await reader.read('incarnation-1')).toBe('absent');
      await owner.announce('incarnation-1', () => card);
      expect(await reader.read('incarnation-1')).toBe('present');
      expect(await reader.list()).toEqual(new Map([['incarnation-1', card]]));
      await owner.withdraw();
      expect(await reader.read('incarnation-1')).toBe('absent');
      expect(await reader.list()).toEqual(new Map());
    });

    it('lasts 15 s when it is not renewed, and comes back by itself when Redis lost it', async () => {
      const prefix = randomUUID();
      const owner = presence(prefix);
      const client = new Redis(server.url);
      onTestFinished(() => client.disconnect());
      await owner.announce('incarnation-1', () => card);
      const left = await client.pttl(`${prefix}:presence:incarnation-1`);
      expect(left).toBeGreaterThan(10_000);
      expect(left).toBeLessThanOrEqual(15_000);
      await client.del(`${prefix}:presence:incarnation-1`);
      await vi.waitFor(async () => expect(await owner.read('incarnation-1')).toBe('present'), patience);
    });

    it('is unknown while Redis is away, never absent', async () => {
      const own = await startRedis();
      onTestFinished(() => own.stop());
      const reader = presence(randomUUID(), own.url);
      expect(await reader.read('incarnation-1')).toBe('absent');
      await own.kill();
      expect(await reader.read('incarnation-1')).toBe('unknown');
      expect(await reader.list()).toBeUndefined();
    });
  });

  describe('RedisPressureBoard', () => {
    function board(prefix: string, url = server.url): RedisPressureBoard {
      const made = new RedisPressureBoard({ url, prefix, partitionCount: 4, everyMs: 50 });
      onTestFinished(() => made.close());
      return made;
    }

    it('tells the figures of owners to readers, and 0.7 where there is none (R81)', async () => {
      const prefix = randomUUID();
      const [owner, reader] = [board(prefix), board(prefix)];
      expect(reader.read(1)).toBe(0.7);
      await vi.waitFor(() => {
        owner.publish(1, 0.25);
        owner.publish(3, 0);
        expect([0, 1, 2, 3].map((partition) => reader.read(partition))).toEqual([0.7, 0.25, 0.7, 0]);
      }, patience);
      await vi.waitFor(() => {
        owner.publish(1, 1.5);
        expect(reader.read(1)).toBe(1.5);
      }, patience);
    });

    it('forgets a figure that was not renewed for ten seconds, also while Redis is away', async () => {
      const own = await startRedis();
      onTestFinished(() => own.stop());
      const prefix = randomUUID();
      const [owner, reader] = [board(prefix, own.url), board(prefix, own.url)];
      await vi.waitFor(() => {
        owner.publish(0, 0.1);
        expect(reader.read(0)).toBe(0.1);
      }, patience);
      await own.kill();
      await vi.waitFor(() => expect(reader.read(0)).toBe(0.7), patience);
    });
  });
});
