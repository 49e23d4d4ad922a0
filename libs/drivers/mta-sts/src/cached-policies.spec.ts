import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { type MtaStsAnswer, readMtaStsPolicy } from '@mailyard/delivery-rules';
import type { Domain } from '@mailyard/mail';
import { ZoneResolver } from '@mailyard/testkit/zone';
import { describe, expect, it, onTestFinished } from 'vitest';
import { CachedPolicies, type CachedPoliciesOptions } from './cached-policies.ts';
import { PolicyFile } from './policy-file.ts';
import type { FetchedText } from './policy-host.ts';

const MINUTE = 60_000;
const DAY = 86_400_000;
const PATIENT = { timeout: 30_000 };
const textOf = (mode = 'enforce', mx = 'mx.a.test', maxAge = 604_800): string =>
  `version: STSv1\nmode: ${mode}\nmx: ${mx}\nmax_age: ${maxAge}\n`;

/** Domains with policies, and a clock that the test moves. */
class World {
  now = 1_000_000;
  /** By domain; a domain without has a host that does not answer. */
  readonly texts = new Map<string, string>();
  readonly fetched: string[] = [];
  readonly troubles: string[] = [];
  /** Fetches wait for it. */
  gate: Promise<void> = Promise.resolve();
  readonly resolver = new ZoneResolver({});

  publish(domain: string, id: string, text?: string): void {
    this.resolver.zone = { ...this.resolver.zone, [`_mta-sts.${domain}`]: { txt: [`v=STSv1; id=${id};`] } };
    if (text !== undefined) this.texts.set(domain, text);
  }

  open(change: Partial<CachedPoliciesOptions> = {}): CachedPolicies {
    const policies = new CachedPolicies({
      resolver: this.resolver,
      host: {
        fetch: async (domain): Promise<FetchedText> => {
          this.fetched.push(domain);
          await this.gate;
          const text = this.texts.get(domain);
          if (text !== undefined) return { kind: 'text', text };
          return { kind: 'failure', result: 'sts-policy-fetch-error', reason: 'no answer' };
        },
      },
      onTrouble: (domain, result, reason) => void this.troubles.push(`${domain} ${result} ${reason}`),
      now: () => this.now,
      ...change,
    });
    onTestFinished(() => policies.close());
    return policies;
  }
}

const a = 'a.test' as Domain;
const mxOf = (answer: MtaStsAnswer): readonly string[] => (answer.kind === 'policy' ? answer.policy.mx : []);

describe('policies that are kept (R144, RFC 8461 §3.3)', () => {
  it('are fetched once for all who ask at the same time, and not again while they hold', async () => {
    const world = new World();
    world.publish('a.test', '1', textOf());
    const policies = world.open();
    const { promise, resolve } = Promise.withResolvers<void>();
    world.gate = promise;
    const answers = Promise.all(Array.from({ length: 50 }, () => policies.of(a)));
    world.publish('b.test', '1', textOf());
    resolve();
    for (const answer of await answers)
      expect(answer).toEqual({ kind: 'policy', id: '1', fetchedAt: 1_000_000, policy: readMtaStsPolicy(textOf()) });
    expect(await policies.of(a)).toMatchObject({ kind: 'policy' });
    expect(world.fetched).toEqual(['a.test']);
  });

  it('do not wait for those of other domains', async () => {
    const world = new World();
    world.publish('a.test', '1', textOf());
    world.publish('b.test', '1', textOf());
    const policies = world.open();
    const { promise, resolve } = Promise.withResolvers<void>();
    world.gate = promise;
    const slow = policies.of(a);
    world.gate = Promise.resolve();
    expect(await policies.of('b.test' as Domain)).toMatchObject({ kind: 'policy' });
    resolve();
    expect(await slow).toMatchObject({ kind: 'policy' });
  });

  it('are followed as soon as the id changes; the one before holds where the new one cannot be had', async () => {
    const world = new World();
    world.publish('a.test', '1', textOf());
    const policies = world.open();
    await policies.of(a);
    world.publish('a.test', '2', textOf('enforce', 'new.a.test'));
    expect(mxOf(await policies.of(a))).toEqual(['new.a.test']);
    world.publish('a.test', '3', 'nonsense');
    expect(mxOf(await policies.of(a))).toEqual(['new.a.test']);
    expect(world.troubles).toEqual(['a.test sts-policy-invalid invalid: a line of it is no field']);
    // Not again within five minutes.
    world.texts.set('a.test', textOf('enforce', 'newest.a.test'));
    expect(mxOf(await policies.of(a))).toEqual(['new.a.test']);
    world.now += 5 * MINUTE;
    expect(mxOf(await policies.of(a))).toEqual(['newest.a.test']);
    expect(world.fetched).toHaveLength(4);
  });

  it('hold without their record, and with a DNS that fails, until they have run out', async () => {
    const world = new World();
    world.publish('a.test', '1', textOf());
    const policies = world.open();
    await policies.of(a);
    for (const zone of [{}, { '_mta-sts.a.test': { fault: 'servfail' } as const }]) {
      world.resolver.zone = zone;
      expect(await policies.of(a)).toMatchObject({ kind: 'policy' });
    }
    world.now += 7 * DAY;
    expect(await policies.of(a)).toMatchObject({ kind: 'none' });
    expect(world.fetched).toHaveLength(1);
  });

  it('are none where the host does not answer, and nothing is asked again for five minutes', async () => {
    const world = new World();
    world.publish('a.test', '1');
    const policies = world.open();
    for (let i = 0; i < 3; i++)
      expect(await policies.of(a)).toEqual({
        kind: 'none',
        reason: 'a.test has a policy that cannot be had: no answer',
      });
    expect([world.fetched, world.troubles]).toEqual([['a.test'], ['a.test sts-policy-fetch-error no answer']]);
    world.now += 5 * MINUTE;
    world.publish('a.test', '1', textOf());
    expect(await policies.of(a)).toMatchObject({ kind: 'policy' });
  });

  it('are fetched again beside the mail when they are a day old, and hold meanwhile and if that fails', async () => {
    const world = new World();
    world.publish('a.test', '1', textOf());
    const policies = world.open();
    await policies.of(a);
    world.now += DAY;
    const { promise, resolve } = Promise.withResolvers<void>();
    world.gate = promise;
    world.texts.delete('a.test');
    expect(await policies.of(a)).toMatchObject({ kind: 'policy', fetchedAt: 1_000_000 });
    resolve();
    await expect.poll(() => world.troubles, PATIENT).toHaveLength(1);
    expect(await policies.of(a)).toMatchObject({ kind: 'policy', fetchedAt: 1_000_000 });
    world.now += 5 * MINUTE;
    world.texts.set('a.test', textOf());
    await policies.of(a);
    await expect.poll(async () => policies.of(a), PATIENT).toMatchObject({ kind: 'policy', fetchedAt: world.now });
  });

  it('that were given up may go without a word (RFC 8461 §8.3)', async () => {
    const world = new World();
    world.publish('a.test', '1', textOf('none'));
    const policies = world.open();
    await policies.of(a);
    world.now += DAY;
    world.texts.delete('a.test');
    expect(await policies.of(a)).toMatchObject({ kind: 'policy', policy: { mode: 'none' } });
    await expect.poll(() => world.fetched, PATIENT).toHaveLength(2);
    expect(world.troubles).toEqual([]);
  });

  it('take no more room than they may: the one fetched longest ago goes first', async () => {
    const world = new World();
    const folder = await folderOfTest();
    const file = PolicyFile.open(join(folder, 'mta-sts.sqlite'));
    const policies = world.open({ limitOctets: 10_000, file });
    const names = Array.from({ length: 100 }, (_, i) => `d${i}.test`);
    for (const name of names) {
      world.publish(name, '1', textOf());
      await policies.of(name as Domain);
      expect(policies.octets).toBeLessThanOrEqual(10_000);
    }
    const left = file.read().map(({ domain }) => domain);
    expect(left.length).toBeGreaterThan(10);
    expect(left.toSorted()).toEqual(names.slice(-left.length).toSorted());
    // One that is too large alone is used, and not kept.
    const large = Array.from({ length: 500 }, (_, i) => `mx: mx${i}.a.test\n`).join('');
    world.publish('a.test', '1', `${textOf()}${large}`);
    await policies.of(a);
    expect(policies.octets).toBe(0);
  });
});

async function folderOfTest(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'mailyard-policies-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

describe('a restart (R144)', () => {
  it('forgets no policy that holds, and fetches none of them again', async () => {
    const world = new World();
    const path = join(await folderOfTest(), 'below', 'mta-sts.sqlite');
    world.publish('a.test', '1', textOf());
    world.publish('b.test', '1', textOf('testing', '*.b.test', 3_600));
    const before = world.open({ file: PolicyFile.open(path) });
    await before.of(a);
    await before.of('b.test' as Domain);
    before.close();
    // Who keeps the DNS and the host from answering gains nothing by it.
    world.resolver.zone = {};
    world.texts.clear();
    world.now += 2 * 3_600_000;
    const file = PolicyFile.open(path);
    const after = world.open({ file });
    expect(await after.of(a)).toMatchObject({ kind: 'policy', id: '1', policy: readMtaStsPolicy(textOf()) });
    expect(await after.of('b.test' as Domain)).toMatchObject({ kind: 'none' });
    expect(file.read().map(({ domain }) => domain)).toEqual(['a.test']);
    expect(world.fetched).toHaveLength(2);
  });

  it.each(['null', '{}', '{"mode":"enforce"', '{"mode":"enforce","mx":[1],"maxAgeSeconds":9}'])(
    'passes over a row that holds no policy: %s',
    async (text) => {
      const world = new World();
      const path = join(await folderOfTest(), 'mta-sts.sqlite');
      world.publish('a.test', '1', textOf());
      const before = world.open({ file: PolicyFile.open(path) });
      await before.of(a);
      before.close();
      const database = new DatabaseSync(path);
      database.prepare('INSERT INTO policy VALUES (?, ?, ?, ?)').run('b.test', '1', world.now, text);
      database.close();
      world.fetched.length = 0;
      world.publish('b.test', '1', textOf());
      const policies = world.open({ file: PolicyFile.open(path) });
      for (const name of [a, 'b.test' as Domain]) expect(await policies.of(name)).toMatchObject({ kind: 'policy' });
      expect(world.fetched).toEqual(['b.test']);
    },
  );

  it('cannot use what is no database; a file that breaks later is told of once, and mail goes on', async () => {
    const world = new World();
    const path = join(await folderOfTest(), 'mta-sts.sqlite');
    await writeFile(path, 'no database, whatever it is called, however long it may be '.repeat(50));
    expect(() => PolicyFile.open(path)).toThrow(/not a database/);
    const file = PolicyFile.open(`${path}.other`);
    const told: unknown[] = [];
    const policies = world.open({ file, onFileBroken: (error) => told.push(error) });
    file.close();
    for (const name of ['a.test', 'b.test']) {
      world.publish(name, '1', textOf());
      expect(await policies.of(name as Domain)).toMatchObject({ kind: 'policy' });
    }
    expect(told).toHaveLength(1);
  });
});
