import { randomUUID } from 'node:crypto';
import { describeLimitBoard } from '@mailyard/testkit/limit-board.suite';
import { type RedisServer, startRedis } from '@mailyard/testkit/services/redis';
import { describeWith } from '@mailyard/testkit/services/require-service';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, expect, it, onTestFinished, vi } from 'vitest';
import { RedisLimitBoard } from './redis-limit-board.ts';

const patience = { timeout: 20_000, interval: 20 };

/** Makes all instants that a board has stored so much older. KEYS: none. ARGV: prefix, milliseconds. */
const AGE = `
for _, key in ipairs(redis.call('KEYS', ARGV[1] .. ':limits:*')) do
  if redis.call('TYPE', key).ok == 'zset' then
    for _, member in ipairs(redis.call('ZRANGE', key, 0, -1)) do redis.call('ZINCRBY', key, -ARGV[2], member) end
  elseif string.find(key, ':recipients:') then
    for _, field in ipairs({'end', 'reset'}) do
      if tonumber(redis.call('HGET', key, field)) > 0 then redis.call('HINCRBY', key, field, -ARGV[2]) end
    end
  end
end
`;

async function connected(board: RedisLimitBoard): Promise<RedisLimitBoard> {
  await vi.waitFor(() => board.exchange([], []), patience);
  return board;
}

await describeWith(['redis'], 'limits in Redis', () => {
  let server: RedisServer;
  beforeAll(async () => {
    server = await startRedis();
  });
  afterAll(() => server.stop());

  describeLimitBoard('redis', async () => {
    const location = { url: server.url, prefix: randomUUID() };
    const client = new Redis(server.url);
    const boards = new Map<string, RedisLimitBoard>();
    const of = (who: string): RedisLimitBoard => {
      const board = boards.get(who) ?? new RedisLimitBoard(location, who);
      boards.set(who, board);
      return board;
    };
    await Promise.all(
      ['one', 'other', 'third', 'a', 'b', 'c'].map((who) =>
        vi.waitFor(async () => expect(of(who).isReady).toBe(true), patience),
      ),
    );
    return {
      of,
      pass: async (ms) => void (await client.eval(AGE, 0, location.prefix, ms)),
      dispose: async () => {
        client.disconnect();
        for (const board of boards.values()) board.close();
      },
    };
  });

  it('says so at once while Redis is away, and goes on when it is back', async () => {
    const own = await startRedis();
    onTestFinished(() => own.stop());
    const board = await connected(new RedisLimitBoard({ url: own.url }, 'one'));
    onTestFinished(() => board.close());
    await own.kill();
    await vi.waitFor(() => expect(board.exchange([], [])).rejects.toThrow(), patience);
    await board.leave();
    await own.resume();
    await connected(board);
  });
});
