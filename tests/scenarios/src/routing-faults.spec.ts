/** Routing processes on a real Redis, and what may happen to either (rows 20 to 23). */
import { randomUUID } from 'node:crypto';
import { changeSetWire, decodeChangeSet, encodeChangeSet } from '@mailyard/contracts';
import { AdministrationClient, CallRefusal, GrpcRouteLookup } from '@mailyard/grpc';
import type { Domain } from '@mailyard/mail';
import { printTarget } from '@mailyard/smtp-routes';
import { describeWith } from '@mailyard/testkit/services/require-service';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { Deployment, type Neighbours, startNeighbours } from './distributed.ts';
import type { Gateway } from './gateway.ts';
import { freePort, Scenario } from './scenario.ts';
import { waitFor } from './wait-for.ts';

const STREAM = 'mailyard:config';

/** An entry of the table that sends a domain to a host. */
function route(receivingDomain: string, host: string): changeSetWire.Operation {
  const value = { receivingDomain, destinations: [host], authProfile: undefined };
  const item: changeSetWire.Item = { item: { $case: 'route', value } };
  const set = { item, expectation: changeSetWire.Expectation.EXPECTATION_UNSPECIFIED, before: undefined };
  return { operation: { $case: 'set', value: set } };
}

/** An administrator at one routing process. */
class Administrator {
  readonly client: AdministrationClient;

  constructor(scenario: Scenario, routing: Gateway) {
    this.client = new AdministrationClient({ addresses: [routing.address('grpc')] });
    scenario.onEnd(() => this.client.close());
  }

  /** Commits routes. @returns the version that they made */
  async commit(
    routes: Readonly<Record<string, string>>,
    { id = randomUUID() as string, expectedVersion }: { id?: string; expectedVersion?: number } = {},
  ): Promise<number> {
    const operations = Object.entries(routes).map(([domain, host]) => route(domain, host));
    const rest = { author: 'ann', reason: '', confirmDiscardAll: false };
    return (await this.client.commit({ id, expectedVersion, operations, ...rest })).version;
  }

  /** The version that the change with an id made, if it made one. */
  async versionOf(id: string): Promise<number | undefined> {
    const { entries } = await this.client.history({
      pageSize: 1,
      beforeVersion: 0,
      section: changeSetWire.Section.SECTION_UNSPECIFIED,
      key: '',
      withOperations: false,
      id,
    });
    return entries[0]?.change?.version;
  }

  async table(): Promise<ReadonlyMap<string, string>> {
    const { routes } = await this.client.table();
    return new Map(routes.map(({ receivingDomain, destinations }) => [receivingDomain, destinations.join(', ')]));
  }
}

/** Asks a routing process for routes and watches it, as a delivery worker does. */
function watcher(scenario: Scenario, routing: Gateway): GrpcRouteLookup {
  const lookup = new GrpcRouteLookup({ addresses: [routing.address('grpc')] });
  scenario.onEnd(() => lookup.close());
  return lookup;
}

/** Where a lookup sends a domain. */
async function hostOf(lookup: GrpcRouteLookup, domain: string, minVersion?: number): Promise<string> {
  const decision = await lookup.lookup(domain as Domain, minVersion);
  return decision === 'unknown' ? decision : printTarget(decision.target).join(', ');
}

function redisOf(scenario: Scenario, deployment: Deployment): Redis {
  const redis = new Redis(deployment.redisUrl);
  scenario.onEnd(() => redis.disconnect());
  return redis;
}

await describeWith(['kafka', 'redis', 's3'], 'the route table, whatever fails', () => {
  let neighbours: Neighbours;
  beforeAll(async () => {
    neighbours = await startNeighbours(1);
  });
  afterAll(() => neighbours?.stop());

  it('has every answered commit and each other one whole or not at all when Redis is killed under them', {
    timeout: 240_000,
  }, async () => {
    await using scenario = await Scenario.begin();
    const deployment = await Deployment.begin(scenario, neighbours);
    const gateways = [await deployment.start('routing'), await deployment.start('routing')];
    const administrators = gateways.map((gateway) => new Administrator(scenario, gateway));
    const answered = new Map<string, number>();
    const unanswered = new Set<string>();
    let isOver = false;
    const committing = administrators.map(async (administrator, who) => {
      for (let turn = 0; !isOver; turn++) {
        const id = `change-${who}-${turn}`;
        try {
          const routes = { [`a.${id}.example`]: 'h.example', [`b.${id}.example`]: 'h.example' };
          answered.set(id, await administrator.commit(routes, { id }));
        } catch (error) {
          if (!(error instanceof CallRefusal)) throw error;
          unanswered.add(id);
          await new Promise((resolve) => setTimeout(resolve, 50));
        }
      }
    });
    try {
      for (let kill = 1; kill <= 3; kill++) {
        const before = answered.size;
        await waitFor(() => answered.size >= before + 20, 60_000);
        const refused = unanswered.size;
        await neighbours.redis.kill();
        await waitFor(() => unanswered.size > refused, 60_000);
        await neighbours.redis.resume();
      }
      const before = answered.size;
      await waitFor(() => answered.size >= before + 20, 60_000);
    } finally {
      isOver = true;
      await Promise.all(committing);
    }

    // A process that was not there tells what the log has.
    const fresh = new Administrator(scenario, await deployment.start('routing'));
    const table = await fresh.table();
    const versions = new Set<number>();
    for (const id of [...answered.keys(), ...unanswered]) {
      const version = await fresh.versionOf(id);
      if (answered.has(id)) expect(version, id).toBe(answered.get(id));
      const isThere = version !== undefined;
      expect([table.has(`a.${id}.example`), table.has(`b.${id}.example`)], id).toEqual([isThere, isThere]);
      if (isThere) versions.add(version);
    }
    const { problems, versions: newest } = await fresh.client.verify();
    expect(problems).toEqual([]);
    // Each version but the one of init is one of these changes.
    expect(versions.size).toBe(newest - 1);
    for (const administrator of administrators) {
      await waitFor(async () => (await administrator.table()).size === table.size);
      expect(await administrator.table()).toEqual(table);
    }
  });

  it('lets exactly one of two administrators win the same entry, and both where they touch nothing in common', async () => {
    await using scenario = await Scenario.begin();
    const deployment = await Deployment.begin(scenario, neighbours);
    const [one, two] = [await deployment.start('routing'), await deployment.start('routing')];
    const both = [new Administrator(scenario, one), new Administrator(scenario, two)] as const;
    let version = await both[0].commit({ 'same.example': 'start.example' });
    for (let round = 0; round < 10; round++) {
      const tried = both.map((administrator, who) =>
        administrator.commit(
          { 'same.example': `h${who}.round${round}.example`, [`own${who}-${round}.example`]: 'h.example' },
          { expectedVersion: version },
        ),
      );
      const results = await Promise.allSettled(tried);
      expect(results.map(({ status }) => status).toSorted()).toEqual(['fulfilled', 'rejected']);
      const winner = results.findIndex(({ status }) => status === 'fulfilled');
      const loser = results.find((result) => result.status === 'rejected')!;
      expect(loser.reason).toMatchObject({
        message: expect.stringMatching(/^version \d+ is the newest and changed the same: .*routes same\.example/),
        details: { reason: 'VERSION_CONFLICT', metadata: { currentVersion: String(version + 1) } },
      });
      version += 1;
      await waitFor(async () => (await both[0].table()).get('same.example') === `h${winner}.round${round}.example`);
      const table = await both[0].table();
      // Of the one that lost nothing is there.
      expect(table.has(`own${winner}-${round}.example`)).toBe(true);
      expect(table.has(`own${1 - winner}-${round}.example`)).toBe(false);

      const disjoint = both.map((administrator, who) =>
        administrator.commit({ [`disjoint${who}.example`]: `h${round}.example` }, { expectedVersion: version }),
      );
      expect((await Promise.all(disjoint)).toSorted((a, b) => a - b)).toEqual([version + 1, version + 2]);
      version += 2;
    }
    expect(await both[1].client.verify()).toMatchObject({ versions: version, problems: [] });
  });

  it('resumes the watches of a routing process that was killed and started again, and none misses a change', async () => {
    await using scenario = await Scenario.begin();
    const deployment = await Deployment.begin(scenario, neighbours);
    const place = ['--grpc', `127.0.0.1:${await freePort()}`];
    let watched = await deployment.start('routing', place);
    const elsewhere = new Administrator(scenario, await deployment.start('routing'));
    const domains = Array.from({ length: 30 }, (_, index) => `d${index}.example`);
    const watchers = Array.from({ length: 4 }, () => ({ lookup: watcher(scenario, watched), told: new Set<string>() }));
    for (const { lookup, told } of watchers) {
      await waitFor(() => lookup.version > 0);
      for (const domain of ['kept.test', ...domains]) await hostOf(lookup, domain);
      lookup.onChange((_version, concerns) => {
        for (const domain of ['kept.test', ...domains]) if (concerns(domain as Domain)) told.add(domain);
      });
    }
    let version = 0;
    for (const [index, domain] of domains.entries()) {
      if (index % 10 === 3) await watched.end('SIGKILL');
      version = await elsewhere.commit({ [domain]: `h${index}.example` });
      if (index % 10 === 6) watched = await deployment.start('routing', place);
    }
    for (const { lookup, told } of watchers) {
      await waitFor(() => lookup.version === version);
      // Told of each change, and of nothing else: the watch went on where it was.
      expect([...told].toSorted()).toEqual(domains.toSorted());
      expect(lookup.peek('kept.test' as Domain)).toBeDefined();
      for (const [index, domain] of domains.entries()) expect(await hostOf(lookup, domain)).toBe(`h${index}.example`);
    }
  });

  it('gives no stale answer where a newer one is asked of a process that was stopped during commits', async () => {
    await using scenario = await Scenario.begin();
    const deployment = await Deployment.begin(scenario, neighbours);
    const [stale, other] = [await deployment.start('routing'), await deployment.start('routing')];
    const administrator = new Administrator(scenario, other);
    const first = await administrator.commit({ 'example.com': 'old.example' });
    const lookup = watcher(scenario, stale);
    await waitFor(() => lookup.version === first);
    expect(await hostOf(lookup, 'example.com')).toBe('old.example');
    stale.signal('SIGSTOP');
    let newest = first;
    for (let turn = 0; turn < 10; turn++) newest = await administrator.commit({ 'example.com': `new${turn}.example` });
    const asked = hostOf(lookup, 'example.com', newest);
    stale.signal('SIGCONT');
    // The question waited in the process that lay still: it is not answered by what that process had.
    expect(['new9.example', 'unknown']).toContain(await asked);
    await waitFor(async () => (await hostOf(lookup, 'example.com', newest)) === 'new9.example');
    await waitFor(() => lookup.version === newest);
    expect(await hostOf(lookup, 'example.com')).toBe('new9.example');
    // A version that nobody has made is not answered by another.
    expect(await hostOf(lookup, 'example.com', newest + 1)).toBe('unknown');
  });

  it('refuses a forged change set and an unreadable one, says so, and serves on what it had', async () => {
    await using scenario = await Scenario.begin();
    const deployment = await Deployment.begin(scenario, neighbours);
    const routing = await deployment.start('routing');
    const administrator = new Administrator(scenario, routing);
    const lookup = watcher(scenario, routing);
    const version = await administrator.commit({ 'example.com': 'good.example' });
    await waitFor(() => lookup.version === version);
    const redis = redisOf(scenario, deployment);
    const [entry] = await redis.xrangeBuffer(STREAM, `${version}-0`, `${version}-0`);
    const fields = entry![1];
    const change = fields[fields.findIndex((name) => name.toString() === 'change') + 1]!;
    const altered = Buffer.from(change.toString('latin1').replace('good.example', 'evil.example'), 'latin1');
    const forged = encodeChangeSet({ ...decodeChangeSet(altered), id: 'forged', version: version + 1 });
    const lineage = decodeChangeSet(change).lineage;
    const add = (number: number, id: string, payload: Uint8Array) =>
      redis.xadd(STREAM, `${number}-0`, 'id', id, 'lineage', lineage, 'change', Buffer.from(payload));
    await add(version + 1, 'forged', forged);
    await waitFor(() => routing.output.includes('CONFIGURATION_FORGED'));
    await add(version + 2, 'garbage', Buffer.from([0xff, 0xff, 0xff]));
    expect(await routing.command('verify')).toMatchObject({
      status: 1,
      stdout: expect.stringContaining('THE CHAIN DOES NOT HOLD'),
      stderr: expect.stringMatching(
        new RegExp(
          `version ${version + 1} does not continue version ${version}: forged[^]*version ${version + 2} cannot be read`,
        ),
      ),
    });
    await expect(administrator.commit({ 'x.example': 'h.example' })).rejects.toMatchObject({
      details: { reason: 'CONFIGURATION_FOREIGN' },
    });
    expect(lookup.version).toBe(version);
    expect(await hostOf(watcher(scenario, routing), 'example.com')).toBe('good.example');
    expect((await administrator.table()).get('example.com')).toBe('good.example');
  });

  it('names what was cut out of the log, and serves on what it had', async () => {
    await using scenario = await Scenario.begin();
    const deployment = await Deployment.begin(scenario, neighbours);
    const routing = await deployment.start('routing');
    const administrator = new Administrator(scenario, routing);
    let version = 0;
    for (let turn = 0; turn < 6; turn++) version = await administrator.commit({ [`d${turn}.example`]: 'h.example' });
    const table = await administrator.table();
    const redis = redisOf(scenario, deployment);
    expect(await redis.xdel(STREAM, '4-0')).toBe(1);
    expect(await routing.command('verify')).toMatchObject({
      status: 1,
      stderr: expect.stringContaining('version 5 does not continue version 3: gap'),
    });
    // Without its newest version the log is read anew, up to the gap: that is less than what is served.
    await redis.xdel(STREAM, `${version}-0`);
    await waitFor(() => routing.output.includes('CONFIGURATION_FORGED'));
    expect(await administrator.table()).toEqual(table);
    await redis.xtrim(STREAM, 'MAXLEN', 1);
    await waitFor(() => routing.output.includes('CONFIGURATION_EMPTY'));
    expect(await routing.command('verify')).toMatchObject({
      status: 1,
      stderr: expect.stringMatching(/the log names no lineage[^]*does not continue version 0: gap/),
    });
    expect(await administrator.table()).toEqual(table);
    await expect(administrator.commit({ 'x.example': 'h.example' })).rejects.toMatchObject({
      details: { reason: 'CONFIGURATION_FOREIGN' },
    });
  });
});
