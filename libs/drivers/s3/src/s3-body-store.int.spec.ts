import { randomUUID } from 'node:crypto';
import { type BodyStore, bodyKey } from '@mailyard/queue';
import { describeBodyStore } from '@mailyard/testkit/body-store.suite';
import { sampleMessageId } from '@mailyard/testkit/sample-records';
import { describeWith } from '@mailyard/testkit/services/require-service';
import { type S3Server, startS3 } from '@mailyard/testkit/services/s3';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { S3BodyStore } from './s3-body-store.ts';

await describeWith(['s3'], 'S3BodyStore', () => {
  let server: S3Server;
  const open = (prefix: string, timeoutMs = 10_000): S3BodyStore => new S3BodyStore({ ...server, prefix, timeoutMs });
  const key = (number: number): string => bodyKey(2, sampleMessageId(number), 0);

  beforeAll(async () => {
    server = await startS3();
  });
  afterAll(() => server.stop());

  describeBodyStore('s3', async () => {
    const prefix = `${randomUUID()}/`;
    const stores: BodyStore[] = [open(prefix)];
    return {
      store: stores[0]!,
      restart: async () => {
        await server.kill();
        await server.resume();
        stores.push(open(prefix));
        return stores.at(-1)!;
      },
      dispose: async () => {
        await Promise.all(stores.map((store) => store.close()));
      },
    };
  });

  describe('beyond the port', () => {
    it('lists more than one page', async () => {
      const store = open(`${randomUUID()}/`);
      const count = 1_100;
      for (let at = 0; at < count; at += 50)
        await Promise.all(Array.from({ length: 50 }, (_, more) => store.put(key(at + more), [Buffer.from('x')])));
      const keys = new Set<string>();
      for await (const body of store.list(2)) keys.add(body.key);
      expect(keys.size).toBe(count);
      await store.close();
    });

    it('goes on over connections that the store closed', async () => {
      const store = open(`${randomUUID()}/`);
      await store.put(key(1), [Buffer.from('one')]);
      await server.kill();
      await server.resume();
      await store.put(key(2), [Buffer.from('two')]);
      await store.check();
      await store.close();
    });

    it('says that the store is away while it is', async () => {
      const store = open(`${randomUUID()}/`, 500);
      await store.put(key(1), [Buffer.from('one')]);
      await server.freeze();
      try {
        await expect(store.get(key(1))).rejects.toMatchObject({ code: 'BODY_STORE_AWAY' });
      } finally {
        await server.thaw();
      }
      await server.kill();
      try {
        await expect(store.put(key(2), [Buffer.from('two')])).rejects.toMatchObject({ code: 'BODY_STORE_AWAY' });
        await expect(store.check()).rejects.toMatchObject({ code: 'BODY_STORE_AWAY' });
      } finally {
        await server.resume();
      }
      await store.close();
    });

    it('never takes a missing bucket or a wrong key for a missing body', async () => {
      const elsewhere = new S3BodyStore({ ...server, bucket: 'no-such-bucket' });
      await expect(elsewhere.get(key(1))).rejects.toMatchObject({ code: 'BODY_STORE_AWAY' });
      await expect(elsewhere.check()).rejects.toMatchObject({ code: 'BODY_STORE_AWAY' });
      const stranger = new S3BodyStore({ ...server, secretAccessKey: 'wrong' });
      await expect(stranger.get(key(1))).rejects.toMatchObject({ code: 'BODY_STORE_AWAY' });
      await Promise.all([elsewhere.close(), stranger.close()]);
    });
  });
});
