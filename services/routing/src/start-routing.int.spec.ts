import type { DkimProfile, Operation } from '@mailyard/configuration';
import { encodeChangeSet } from '@mailyard/contracts';
import { GrpcRouteLookup } from '@mailyard/grpc';
import { type Address, MtaError } from '@mailyard/mail';
import { MemoryConfigurationLog } from '@mailyard/memory';
import { afterEach, describe, expect, it } from 'vitest';
import { acceptDomains } from './accept-domains.ts';
import { initialiseConfiguration } from './administration.ts';
import {
  answer,
  domain,
  drop,
  LINEAGE,
  newLog,
  put,
  ReplaceableLog,
  runRouting,
  until,
} from './routing-fixture.suite.ts';

const open: (() => void | Promise<void>)[] = [];
afterEach(async () => {
  for (const close of open.splice(0).reverse()) await close();
});

async function run(...args: Parameters<typeof runRouting>) {
  const routing = await runRouting(...args);
  open.push(() => routing.stop());
  return routing;
}

function client(...addresses: string[]): GrpcRouteLookup {
  const lookup = new GrpcRouteLookup({ addresses }, { timeoutMs: 1000 });
  open.push(() => lookup.close());
  return lookup;
}

const by = { author: 'ann' };

describe('routing', () => {
  it('answers from the committed table, in process and over gRPC (R30)', async () => {
    const routing = await run(await newLog());
    const lookup = client(routing.address);
    await routing.administration.commit([put('example.com a.example:26/pri=5'), put('ALL /dev/null')], {
      ...by,
      confirmDiscardAll: true,
    });
    for (const routes of [routing.lookup, lookup]) {
      expect(answer(await routes.lookup(domain('x.example.com')))).toBe('a.example:26/pri=5');
      expect(answer(await routes.lookup(domain('other.test')))).toBe('/dev/null');
    }
    expect(await lookup.lookup(domain('x.example.com'))).toEqual(routing.lookup.peek(domain('x.example.com')));
  });

  it('is not ready, and knows no answer, with an empty log, one without a change set, or one of another lineage', async () => {
    const log = new ReplaceableLog();
    const routing = await run(log);
    const lookup = client(routing.address);
    const knowsNothing = async () => {
      expect(routing.notReady()).toEqual(expect.any(String));
      expect(routing.access.current()).toBeUndefined();
      expect(routing.lookup.peek(domain('example.com'))).toBeUndefined();
      expect(await routing.lookup.lookup(domain('example.com'))).toBe('unknown');
      expect(await lookup.lookup(domain('example.com'))).toBe('unknown');
    };
    await knowsNothing();
    const foreign = new MemoryConfigurationLog();
    await initialiseConfiguration(foreign, 'other', 'test', 0);
    log.replace(foreign);
    await until(() => expect(routing.notReady()).toMatch(/other/));
    await knowsNothing();
    const bare = new MemoryConfigurationLog();
    await bare.initialise(LINEAGE);
    log.replace(bare);
    await until(() => expect(routing.notReady()).toMatch(/no change set/));
    await knowsNothing();
    const good = new MemoryConfigurationLog();
    await initialiseConfiguration(good, LINEAGE, 'test', 0);
    log.replace(good);
    await until(() => expect(routing.notReady()).toBeUndefined());
    await until(async () => expect(answer(await lookup.lookup(domain('example.com')))).toBe('DNS'));
  });

  it('serves the last table on, and commits nothing, when its log is wiped or another takes its place', async () => {
    const log = await newLog();
    const routing = await run(log);
    await routing.administration.commit([put('example.com a.example')], by);
    const good = log.inner;
    const foreign = new MemoryConfigurationLog();
    await initialiseConfiguration(foreign, 'other', 'test', 0);
    for (const other of [new MemoryConfigurationLog(), foreign]) {
      log.replace(other);
      await until(() => expect(routing.isFollowing()).toBe(false));
      expect(answer(routing.lookup.peek(domain('example.com')))).toBe('a.example');
      await expect(routing.administration.commit([drop('example.com')], by)).rejects.toMatchObject({
        code: 'CONFIGURATION_FOREIGN',
      });
    }
    expect(routing.alarms.map(({ code }) => code)).toEqual(
      expect.arrayContaining(['CONFIGURATION_EMPTY', 'CONFIGURATION_FOREIGN']),
    );
    log.replace(good);
    await until(() => expect(routing.isFollowing()).toBe(true));
  });

  it('starts over, with an alarm, when the same lineage has another history; no cache keeps an answer of the lost one', async () => {
    const log = await newLog();
    const routing = await run(log);
    const lookup = client(routing.address);
    const [older, lost] = [new MemoryConfigurationLog(), log.inner];
    await routing.administration.commit([put('example.com a.example')], by);
    await older.initialise(LINEAGE);
    for await (const changeSet of lost.read(1)) await older.commit(changeSet);
    await routing.administration.commit([put('x.example.com lost.example')], by);
    await until(() => expect(lookup.version).toBe(3));
    expect(answer(await lookup.lookup(domain('x.example.com')))).toBe('lost.example');
    log.replace(older);
    await until(() => expect(routing.lookup.version).toBe(2));
    expect(routing.alarms).toContainEqual(expect.objectContaining({ code: 'CONFIGURATION_REWRITTEN' }));
    await until(() => expect(lookup.version).toBe(2));
    expect(answer(await lookup.lookup(domain('x.example.com')))).toBe('a.example');
  });

  it('refuses a forged change set and one that it cannot read, and serves on what was there before', async () => {
    const log = await newLog();
    const routing = await run(log);
    await routing.administration.commit([put('example.com a.example')], by);
    const forged = {
      id: 'f',
      lineage: LINEAGE,
      version: 3,
      previousHash: 'none',
      author: '',
      reason: '',
      at: 0,
      operations: [drop('example.com')],
    };
    await log.inner.commit({ id: 'f', lineage: LINEAGE, version: 3, payload: encodeChangeSet(forged) });
    await until(() => expect(routing.alarms).toContainEqual(expect.objectContaining({ code: 'CONFIGURATION_FORGED' })));
    expect(answer(routing.lookup.peek(domain('example.com')))).toBe('a.example');
    await expect(routing.administration.commit([drop('example.com')], by)).rejects.toMatchObject({
      code: 'CONFIGURATION_FOREIGN',
    });
  });

  it('serves on while its log is away, and goes on when it is back', async () => {
    const log = await newLog();
    const routing = await run(log);
    await routing.administration.commit([put('example.com a.example')], by);
    log.away = new MtaError('CONFIGURATION_AWAY', 'no Redis');
    await expect(routing.administration.commit([drop('example.com')], by)).rejects.toMatchObject({
      code: 'CONFIGURATION_AWAY',
    });
    expect(answer(routing.lookup.peek(domain('example.com')))).toBe('a.example');
    log.away = undefined;
    expect(await routing.administration.commit([drop('example.com')], by)).toMatchObject({
      kind: 'committed',
      version: 3,
    });
  });

  it('folds a snapshot and what came after it to the same as the whole log', async () => {
    const log = await newLog();
    const first = await run(log);
    for (let i = 0; i < 120; i++) await first.administration.commit([put(`d${i % 30}.example h${i}.example`)], by);
    expect((await log.snapshot())?.version).toBe(100);
    const second = await run(log);
    expect(second.administration.state).toEqual(first.administration.state);
    expect(await second.administration.verify()).toMatchObject({ versions: 121, problems: [] });
    expect(second.alarms).toEqual([]);
  });

  it('passes over a snapshot that is of another history', async () => {
    const [log, other] = [await newLog(), await newLog()];
    const [mine, theirs] = [await run(log), await run(other)];
    for (let i = 0; i < 99; i++) {
      await mine.administration.commit([put(`m${i}.example h.example`)], by);
      await theirs.administration.commit([put(`t${i}.example h.example`)], by);
    }
    const wrong = (await other.snapshot())!;
    const tampered = new MemoryConfigurationLog();
    await tampered.initialise(LINEAGE);
    for await (const changeSet of log.read(1)) await tampered.commit(changeSet);
    await tampered.writeSnapshot(wrong.version, wrong.payload);
    const third = await run(tampered);
    expect(third.administration.state).toEqual(mine.administration.state);
    expect(third.alarms).toMatchObject([{ code: 'SNAPSHOT_WRONG' }]);
    expect((await third.administration.verify()).problems).toEqual(['the snapshot of version 100 says something else']);
  });
});

describe('the cache of lookups', () => {
  it('loses those answers that a version concerns and no others (I11)', async () => {
    const routing = await run(await newLog());
    const lookup = client(routing.address);
    await routing.administration.commit([put('example.com a.example'), put('other.test b.example')], by);
    await until(() => expect(lookup.version).toBe(2));
    for (const name of ['example.com', 'x.example.com', 'other.test', 'dns.test']) await lookup.lookup(domain(name));
    const told: boolean[][] = [];
    lookup.onChange((_version, concerns) =>
      told.push(
        ['example.com', 'x.example.com', 'other.test', 'dns.test', 'y.example.com'].map((name) =>
          concerns(domain(name)),
        ),
      ),
    );
    await routing.administration.commit([put('.example.com c.example')], by);
    await until(() => expect(lookup.version).toBe(3));
    expect(told).toEqual([[false, true, false, false, true]]);
    expect(answer(lookup.peek(domain('example.com')))).toBe('a.example');
    expect(lookup.peek(domain('x.example.com'))).toBeUndefined();
    expect(answer(await lookup.lookup(domain('x.example.com')))).toBe('c.example');
  });

  it('answers on while routing is away; what it does not have is unknown, and never by DNS', async () => {
    const log = await newLog();
    const routing = await run(log);
    const lookup = client(routing.address);
    await routing.administration.commit([put('example.com a.example')], by);
    await until(() => expect(lookup.version).toBe(2));
    await lookup.lookup(domain('example.com'));
    await routing.stop();
    expect(answer(await lookup.lookup(domain('example.com')))).toBe('a.example');
    expect(await lookup.lookup(domain('x.example.com'))).toBe('unknown');
    const again = await run(log, { address: routing.address });
    await again.administration.commit([put('example.com b.example')], by);
    await until(() => expect(lookup.version).toBe(3));
    expect(answer(await lookup.lookup(domain('example.com')))).toBe('b.example');
    expect(answer(await lookup.lookup(domain('x.example.com')))).toBe('b.example');
  });

  it('is told of what it missed, not made to begin anew, when a routing process was restarted under it', async () => {
    const log = await newLog();
    const routing = await run(log);
    const lookup = client(routing.address);
    await until(() => expect(lookup.version).toBe(1));
    await lookup.lookup(domain('kept.test'));
    await lookup.lookup(domain('example.com'));
    await routing.stop();
    const elsewhere = await run(log);
    await elsewhere.administration.commit([put('example.com a.example')], by);
    await run(log, { address: routing.address });
    await until(() => expect(lookup.version).toBe(2));
    expect(lookup.peek(domain('kept.test'))).toBeDefined();
    expect(answer(await lookup.lookup(domain('example.com')))).toBe('a.example');
  });

  it('goes to another routing process when one is away', async () => {
    const log = await newLog();
    const [one, two] = [await run(log), await run(log)];
    const lookup = client(one.address, two.address);
    await until(() => expect(lookup.version).toBe(1));
    await one.stop();
    expect(answer(await lookup.lookup(domain('example.com')))).toBe('DNS');
    await two.administration.commit([put('example.com a.example')], by);
    await until(() => expect(lookup.version).toBe(2));
    expect(answer(await lookup.lookup(domain('example.com')))).toBe('a.example');
  });

  it('reads what its caller has just written, at another routing process too', async () => {
    const log = await newLog();
    const [one, two] = [await run(log), await run(log)];
    const lookup = client(two.address);
    for (let version = 2; version < 30; version++) {
      await one.administration.commit([put(`example.com h${version}.example`)], by);
      expect(answer(await lookup.lookup(domain('example.com'), version))).toBe(`h${version}.example`);
    }
  });

  it('is bounded', async () => {
    const routing = await run(await newLog());
    const lookup = new GrpcRouteLookup({ addresses: [routing.address] }, { maxCached: 10 });
    open.push(() => lookup.close());
    await until(() => expect(lookup.version).toBe(1));
    const names = Array.from({ length: 50 }, (_, i) => domain(`d${i}.example`));
    await Promise.all(names.map((name) => lookup.lookup(name)));
    expect(names.filter((name) => lookup.peek(name) !== undefined)).toHaveLength(10);
  });

  it('brings the tables by which mail is taken, and keeps them up to date', async () => {
    const routing = await run(await newLog());
    const lookup = client(routing.address);
    await until(() => expect(lookup.current()).toBeDefined());
    const verdict = () =>
      lookup.current()!.recipients.verdict({ localPart: 'u', domain: domain('example.com') }).action;
    expect(verdict()).toBe('REJECT');
    await acceptDomains(routing.administration, [{ domain: 'example.com', destinations: ['h.example'] }], by);
    await until(() => expect(verdict()).toBe('ACCEPT'));
    expect(routing.access.current()!.recipients.verdict({ localPart: 'u', domain: domain('example.com') }).action).toBe(
      'ACCEPT',
    );
  });

  it('brings signing profiles whole, and takes them away again (DKIM)', async () => {
    const routing = await run(await newLog());
    const lookup = client(routing.address);
    await until(() => expect(lookup.current()?.dkim.isEmpty).toBe(true));
    const profile: DkimProfile = {
      ...{ name: 'p', domain: 'example.com', selector: 's', key: { kind: 'environment', variable: 'KEY' } },
      ...{ senders: ['@.example.com'], canonicalization: 'simple/simple', headers: ['Subject'] },
      ...{ expiresAfterSeconds: 86_400, allowUnsigned: true },
    };
    const signers = () => lookup.current()!.dkim.signersOf({ localPart: 'u', domain: domain('a.example.com') });
    await routing.administration.commit([{ kind: 'set', section: 'dkimProfiles', item: profile }], by);
    await until(() => expect(signers()).toEqual([profile]));
    await routing.administration.commit([{ kind: 'remove', section: 'dkimProfiles', key: 'p' }], by);
    await until(() => expect(signers()).toEqual([]));
  });

  it('brings aliases where they changed, and keeps them where something else did (R136)', async () => {
    const routing = await run(await newLog());
    const lookup = client(routing.address);
    await until(() => expect(lookup.current()).toBeDefined());
    const alias = (to: string): Operation => ({
      kind: 'set',
      section: 'aliases',
      item: { alias: 'sales@example.com', to: [to] },
    });
    const led = () =>
      lookup.current()!.rewriting.aliases.expand({
        address: 'sales@example.com' as Address,
        localPart: 'sales',
        domain: domain('example.com'),
        needsSmtpUtf8: false,
      });
    await routing.administration.commit([alias('ann')], by);
    await until(() => expect(led()).toMatchObject({ recipients: [{ address: 'ann@example.com' }] }));
    const kept = lookup.current()!.rewriting;
    await acceptDomains(routing.administration, [{ domain: 'example.com', destinations: ['h.example'] }], by);
    await until(() => expect(lookup.current()!.version).toBe(3));
    expect(lookup.current()!.rewriting).toBe(kept);
    await routing.administration.commit([alias('bob'), { kind: 'remove', section: 'rat', key: 'example.com' }], by);
    await until(() => expect(led()).toMatchObject({ recipients: [{ address: 'bob@example.com' }] }));
    await routing.administration.commit([{ kind: 'remove', section: 'aliases', key: 'sales@example.com' }], by);
    await until(() => expect(led()).toBeUndefined());
  });

  it('never shows an older answer than the version that it stands at, while versions come as fast as they can', async () => {
    const routing = await run(await newLog());
    const lookup = client(routing.address);
    await until(() => expect(lookup.version).toBe(1));
    const progress = { isDone: false };
    const committing = (async () => {
      for (let i = 2; i <= 150; i++) await routing.administration.commit([put(`example.com v${i}.example`)], by);
      progress.isDone = true;
    })();
    while (!progress.isDone) {
      const before = lookup.version;
      const seen = answer(await lookup.lookup(domain('example.com')));
      if (seen !== 'unknown' && before > 1) expect(Number(/^v(\d+)\./.exec(seen)![1])).toBeGreaterThanOrEqual(before);
      await new Promise((resolve) => setImmediate(resolve));
    }
    await committing;
  });
});
