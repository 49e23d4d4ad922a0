import { setImmediate as turn } from 'node:timers/promises';
import type { DkimProfile, Operation } from '@mailyard/configuration';
import {
  type routingWire as wire,
  type configurationWire as admin,
  type changeSetWire,
  writeOperation,
} from '@mailyard/contracts';
import { AdministrationClient, CallRefusal } from '@mailyard/grpc';
import { makeRemark, MtaError } from '@mailyard/mail';
import * as fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';
import { acceptDomains } from './accept-domains.ts';
import { answer, domain, drop, newLog, put, runRouting, until } from './routing-fixture.suite.ts';

const open: (() => void | Promise<void>)[] = [];
afterEach(async () => {
  for (const close of open.splice(0).reverse()) await close();
});

async function run(...args: Parameters<typeof runRouting>) {
  const routing = await runRouting(...args);
  open.push(() => routing.stop());
  return routing;
}

const by = { author: 'ann' };

describe('a commit', () => {
  it('is one version, with who, why and when', async () => {
    const { administration } = await run(await newLog(), { now: () => 1234 });
    await administration.commit([put('a.example h.example'), put('b.example h.example')], {
      id: 'one',
      author: 'ann',
      reason: 'because',
    });
    expect(await administration.history({ limit: 1 })).toMatchObject([
      { changeSet: { id: 'one', version: 2, author: 'ann', reason: 'because', at: 1234 } },
    ]);
  });

  it('is refused with every fault and changes nothing (R23)', async () => {
    const { administration } = await run(await newLog());
    const outcome = await administration.commit([put('a.example h.example'), drop('b.example'), drop('ALL')], by);
    expect(outcome).toMatchObject({
      kind: 'refused',
      faults: [{ code: 'ROUTE_NOT_FOUND' }, { code: 'ROUTE_DEFAULT_UNDELETABLE' }],
    });
    expect(administration.state.version).toBe(1);
  });

  it('on an older version passes when nothing in common was touched since, else is refused with the difference', async () => {
    const { administration } = await run(await newLog());
    await administration.commit([put('a.example h.example')], by);
    await administration.commit([put('b.example h.example')], by);
    expect(await administration.commit([put('c.example h.example')], { ...by, expectedVersion: 1 })).toMatchObject({
      kind: 'committed',
      version: 4,
    });
    expect(await administration.commit([put('a.example g.example')], { ...by, expectedVersion: 1 })).toMatchObject({
      kind: 'conflict',
      version: 4,
      differences: [{ key: 'a.example' }, { key: 'b.example' }, { key: 'c.example' }],
    });
    expect(
      await administration.commit([{ kind: 'replace', section: 'routes', items: [] }], { ...by, expectedVersion: 3 }),
    ).toMatchObject({ kind: 'conflict' });
    expect(await administration.commit([], { ...by, expectedVersion: 99 })).toMatchObject({ kind: 'conflict' });
  });

  it.each([true, false])(
    'of which it is not known whether it landed is found by its id, or made (landed: %s)',
    async (landed) => {
      const log = await newLog();
      const { administration } = await run(log);
      log.inner.fault = { code: 'CONFIGURATION_UNCERTAIN', landed };
      expect(await administration.commit([put('a.example h.example')], { ...by, id: 'x' })).toMatchObject({
        kind: 'committed',
        version: 2,
        wasCommitted: false,
      });
      expect(await administration.commit([put('a.example h.example')], { ...by, id: 'x' })).toMatchObject({
        kind: 'committed',
        version: 2,
        wasCommitted: true,
      });
      expect(administration.state.version).toBe(2);
    },
  );

  it('answers that the log is away only when nothing was written', async () => {
    const log = await newLog();
    const { administration } = await run(log);
    log.inner.fault = { code: 'CONFIGURATION_AWAY', landed: false };
    await expect(administration.commit([put('a.example h.example')], by)).rejects.toMatchObject({
      code: 'CONFIGURATION_AWAY',
    });
    expect(administration.state.version).toBe(1);
    expect(await administration.commit([put('a.example h.example')], by)).toMatchObject({
      kind: 'committed',
      version: 2,
    });
  });

  it('of ALL /dev/null is confirmed, however it comes (R66)', async () => {
    const { administration } = await run(await newLog());
    const all = put('ALL /dev/null');
    const whole: Operation = {
      kind: 'replace',
      section: 'routes',
      items: [(all as Extract<Operation, { kind: 'set'; section: 'routes' }>).item],
    };
    expect(await administration.commit([all], by)).toMatchObject({ kind: 'unconfirmed' });
    expect(await administration.commit([whole], by)).toMatchObject({ kind: 'unconfirmed' });
    expect(await administration.commit([whole], { ...by, confirmDiscardAll: true })).toMatchObject({
      kind: 'committed',
    });
    expect(await administration.commit([all, put('a.example h.example')], by)).toMatchObject({ kind: 'committed' });
    await administration.commit([put('ALL h.example')], by);
    expect(await administration.rollback(3, by)).toMatchObject({ kind: 'unconfirmed' });
  });
});

describe('administrators at two routing processes', () => {
  it('commit as fast as they can: no edit is lost, no version is made twice, both serve the same', async () => {
    const log = await newLog();
    const [one, two] = [await run(log), await run(log)];
    const edit = async (routing: typeof one, name: string): Promise<void> => {
      for (let i = 0; i < 40; i++) {
        const outcome = await routing.administration.commit([put(`${name}${i}.example h.example`, 'absent')], {
          author: name,
          id: `${name}-${i}`,
        });
        expect(outcome).toMatchObject({ kind: 'committed', wasCommitted: false });
        await turn();
      }
    };
    await Promise.all([edit(one, 'a'), edit(two, 'b'), edit(two, 'c')]);
    await until(() => expect([one.lookup.version, two.lookup.version]).toEqual([121, 121]));
    expect(one.administration.state).toEqual(two.administration.state);
    expect(one.administration.state.sections.routes.size).toBe(121);
    expect(await two.administration.verify()).toMatchObject({ versions: 121, problems: [] });
  });

  it('take mail for the same domains at the same moment: one change set does it', async () => {
    const log = await newLog();
    const [one, two] = [await run(log), await run(log)];
    const rows = [
      { domain: 'example.com', destinations: ['h.example'] },
      { domain: '.example.com', destinations: ['h.example', 'g.example:26'] },
    ];
    const outcomes = await Promise.all([one, two].map(({ administration }) => acceptDomains(administration, rows, by)));
    expect(outcomes.map(({ kind }) => kind).sort()).toEqual(['committed', 'unchanged']);
    expect(answer(one.administration.state.version === 2 ? one.lookup.peek(domain('x.example.com')) : undefined)).toBe(
      'h.example, g.example:26',
    );
    expect(await acceptDomains(two.administration, rows, by)).toEqual({ kind: 'unchanged', version: 2 });
    expect(await acceptDomains(two.administration, [{ domain: 'ALL', destinations: ['h.example'] }], by)).toMatchObject(
      { kind: 'refused' },
    );
    expect(await acceptDomains(two.administration, [{ domain: '*.x', destinations: ['h:0'] }], by)).toMatchObject({
      kind: 'refused',
      faults: [{}, {}],
    });
  });

  it('never lose an answered commit nor keep half of an unanswered one, whatever the log does (fault 20)', async () => {
    const step = fc.record({
      writer: fc.nat(1),
      name: fc.nat(3),
      fault: fc.constantFrom<'none' | 'away' | 'landed' | 'lost'>('none', 'none', 'away', 'landed', 'lost'),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 12 }), async (steps) => {
        const log = await newLog();
        const writers = [await run(log), await run(log)];
        const expected = new Map<string, string>();
        for (const [index, { writer, name, fault }] of steps.entries()) {
          if (fault === 'away') log.inner.fault = { code: 'CONFIGURATION_AWAY', landed: false };
          if (fault === 'landed' || fault === 'lost')
            log.inner.fault = { code: 'CONFIGURATION_UNCERTAIN', landed: fault === 'landed' };
          const change = { author: 'x', id: `id-${index}` };
          const operations = [put(`d${name}.example v${index}.example`), put(`.d${name}.example v${index}.example`)];
          const outcome = await writers[writer]!.administration.commit(operations, change).catch(
            (error: MtaError) => error,
          );
          if (outcome instanceof MtaError) expect(await log.find(change.id)).toBeUndefined();
          else expected.set(`d${name}.example`, `v${index}.example`);
        }
        for (const { administration, lookup } of writers) {
          await administration.verify();
          for (const [name, to] of expected) {
            expect(answer(lookup.peek(domain(name)))).toBe(to);
            expect(answer(lookup.peek(domain(`x.${name}`)))).toBe(to);
          }
        }
        for (const close of open.splice(0).reverse()) await close();
      }),
      { numRuns: 25 },
    );
  });
});

describe('the administration over gRPC', () => {
  async function serve(options: Parameters<typeof runRouting>[1] = {}) {
    const routing = await run(await newLog(), options);
    const client = new AdministrationClient({ addresses: [routing.address] });
    open.push(() => client.close());
    const commit = (operations: Operation[], request: Partial<admin.CommitRequest> = {}) =>
      client.commit({
        id: '',
        expectedVersion: undefined,
        operations: operations.map(writeOperation),
        author: 'ann',
        reason: '',
        confirmDiscardAll: false,
        ...request,
      });
    return { routing, client, commit };
  }

  const wireRoute = (receivingDomain: string, ...destinations: string[]): changeSetWire.Operation => ({
    operation: {
      $case: 'set',
      value: {
        item: { item: { $case: 'route', value: { receivingDomain, destinations, authProfile: undefined } } },
        expectation: 0,
        before: undefined,
      },
    },
  });

  it('tells all faults with their fields, validated or committed', async () => {
    const { client } = await serve();
    const operations = [wireRoute('*.x', 'h:0'), wireRoute('a.example', 'USEDNS', 'h.example')];
    const { faults } = await client.validate({ operations });
    expect(faults.map(({ code, field }) => `${code} ${field}`)).toEqual([
      'ROUTE_DOMAIN_INVALID operations[0].set.item.route.receivingDomain',
      'ROUTE_PORT_RANGE operations[0].set.item.route.destinations[0]',
      'ROUTE_KEYWORD_NOT_ALONE operations[1].set.item.route.destinations[0]',
    ]);
    const refusal = await client
      .commit({ id: '', operations, author: '', reason: '', confirmDiscardAll: false, expectedVersion: undefined })
      .catch((error: unknown) => error);
    expect(refusal).toBeInstanceOf(CallRefusal);
    expect((refusal as CallRefusal).details.violations.map(({ reason }) => reason)).toEqual(
      faults.map(({ code }) => code),
    );
  });

  it('lists in pages of one version, filtered', async () => {
    const { client, commit } = await serve();
    await commit(Array.from({ length: 25 }, (_, i) => put(`d${i}.example h${i % 2}.test`)));
    const list = (request: Partial<wire.ListRoutesRequest>) =>
      client.listRoutes({ pageSize: 10, pageToken: '', contains: '', version: 0, ...request });
    const first = await list({});
    await commit([drop('d15.example')]);
    const second = await list({ pageToken: first.nextPageToken });
    const third = await list({ pageToken: second.nextPageToken });
    const keys = [first, second, third].flatMap(({ routes }) => routes.map(({ route }) => route!.receivingDomain));
    expect(keys).toEqual([...Array.from({ length: 25 }, (_, i) => `d${i}.example`), 'ALL']);
    expect(third.nextPageToken).toBe('');
    expect((await list({ contains: 'H1.TEST', pageSize: 100 })).routes).toHaveLength(11);
    expect(first.total).toBe(26);
    await expect(list({ pageToken: 'x' })).rejects.toMatchObject({ code: 3 });
  });

  it('gives an entry with who last changed it', async () => {
    const { client, commit } = await serve();
    await commit([put('a.example h.example')], { author: 'ann', reason: 'new' });
    await commit([put('b.example h.example')], { author: 'bob' });
    expect(await client.getRoute({ receivingDomain: 'A.example.', version: 0 })).toMatchObject({
      version: 3,
      changedBy: { version: 2, author: 'ann', reason: 'new' },
    });
    await expect(client.getRoute({ receivingDomain: 'c.example', version: 0 })).rejects.toMatchObject({
      details: { reason: 'ROUTE_NOT_FOUND' },
    });
  });

  it('shows any version, its differences from any other, and goes back to it', async () => {
    const { client, commit, routing } = await serve();
    await commit([put('a.example h.example'), put('b.example h.example')]);
    await commit([drop('a.example'), put('b.example g.example'), { kind: 'matchingMode', mode: 'dotted' }]);
    expect((await client.table(2)).routes.map(({ receivingDomain }) => receivingDomain)).toEqual([
      'a.example',
      'b.example',
      'ALL',
    ]);
    const { differences } = await client.diff({ fromVersion: 2, toVersion: 0 });
    expect(differences).toHaveLength(3);
    expect(differences).toMatchObject([
      { key: 'a.example', after: undefined },
      { key: 'b.example' },
      { modeBefore: 1, modeAfter: 2 },
    ]);
    await client.rollback({
      toVersion: 2,
      id: '',
      author: 'ann',
      reason: '',
      expectedVersion: undefined,
      confirmDiscardAll: false,
    });
    expect((await client.table()).routes).toEqual((await client.table(2)).routes);
    expect((await client.diff({ fromVersion: 2, toVersion: 0 })).differences).toEqual([]);
    expect(
      await client.history({ pageSize: 2, beforeVersion: 0, section: 0, key: '', withOperations: true, id: '' }),
    ).toMatchObject({
      entries: [
        { change: { version: 4, reason: 'roll back to version 2' } },
        { change: { version: 3, operationCount: 3 } },
      ],
      nextBeforeVersion: 3,
    });
    const ofA = await client.history({
      pageSize: 0,
      beforeVersion: 0,
      section: 1,
      key: 'A.example',
      withOperations: false,
      id: '',
    });
    expect(ofA.entries.map(({ change }) => change!.version)).toEqual([4, 3, 2]);
    await expect(client.table(99)).rejects.toMatchObject({ details: { reason: 'VERSION_NOT_FOUND' } });
    expect(await client.verify()).toMatchObject({ versions: routing.lookup.version, problems: [] });
  });

  it('previews what a change does to the table and to the mail that waits', async () => {
    const waiting = [
      [domain('a.example'), 5],
      [domain('x.a.example'), 2],
      [domain('b.example'), 1],
      [domain('c.example'), 4],
    ] as const;
    const { client, commit } = await serve({
      census: {
        take: async () => ({
          waiting,
          isDown: (_domain, { target }) => target.kind === 'hosts' && target.hosts[0]!.host === 'down.example',
          silentOwners: ['w9'],
        }),
        figures: async () => ({ version: 2, moving: 0, silentOwners: [] }),
      },
    });
    await commit([put('a.example down.example'), put('b.example h.example')]);
    const operations = [put('a.example h.example'), put('.a.example /dev/null'), put('b.example down.example')].map(
      writeOperation,
    );
    expect(await client.preview({ operations })).toMatchObject({
      version: 2,
      differences: [{ key: 'a.example' }, { key: 'b.example' }, { key: '.a.example' }],
      waiting: {
        waiting: 12,
        moved: 8,
        freed: 7,
        stranded: 1,
        discarded: 2,
        silentOwners: ['w9'],
        moves: [
          { from: 'down.example', to: 'h.example', recipients: 5 },
          { from: 'down.example', to: '/dev/null', recipients: 2 },
          { from: 'h.example', to: 'down.example', recipients: 1 },
        ],
      },
    });
  });

  it('explains now, at a version, at a time and under a draft (R40)', async () => {
    let now = 1000;
    const { client, commit } = await serve({
      now: () => now,
      explainHosts: async (_domain, { matched }) => ({
        hosts: [{ name: `mx of ${matched}`, address: '192.0.2.1', port: 25, priority: 0, state: 'up', downUntil: 0 }],
      }),
    });
    await commit([put('example.com a.example')]);
    now = 2000;
    await commit([put('.example.com b.example')]);
    const explain = async (table: wire.ExplainRequest['table']) => {
      const { version, decision, hosts } = await client.explain({ recipient: 'u@x.example.com', table });
      return [version, decision?.matched, hosts[0]?.name];
    };
    expect(await explain(undefined)).toEqual([3, '.example.com', 'mx of .example.com']);
    expect(await explain({ $case: 'version', value: 2 })).toEqual([2, 'example.com', 'mx of example.com']);
    expect(await explain({ $case: 'at', value: 1500 })).toEqual([2, 'example.com', 'mx of example.com']);
    const draft = { operations: [wireRoute('x.example.com', '/dev/null')] };
    expect(await explain({ $case: 'draft', value: draft })).toEqual([4, 'x.example.com', 'mx of x.example.com']);
    expect(
      await client.explain({ recipient: 'u@x.example.com', table: { $case: 'draft', value: draft } }),
    ).toMatchObject({
      candidates: [
        { route: { receivingDomain: 'x.example.com' }, verdict: 1, changedBy: undefined },
        { route: { receivingDomain: '.example.com' }, verdict: 2, changedBy: { version: 3, author: 'ann' } },
        { route: { receivingDomain: 'example.com' }, verdict: 2 },
        { route: { receivingDomain: 'ALL' }, verdict: 2 },
      ],
    });
  });

  it('tells what is to be known of keys of signing profiles that are new or others now', async () => {
    const remarkOnKey = ({ name }: DkimProfile) => [makeRemark('DKIM_KEY_SHORT', { profile: name, bits: 1024 })];
    const { administration } = await run(await newLog(), { remarkOnKey });
    const profile = (name: string, selector: string): Operation => ({
      kind: 'set',
      section: 'dkimProfiles',
      item: { name, domain: 'a.example', selector, key: { kind: 'file', file: '/key' } },
    });
    await administration.commit([profile('old', 'a')], by);
    const warned = (...operations: Operation[]) =>
      administration.validate(operations).warnings.map(({ parameters }) => parameters['profile']);
    expect(warned(profile('old', 'a'), profile('new', 'b'))).toEqual(['new']);
    expect(warned(profile('old', 'c'))).toEqual(['old']);
  });

  it('warns of a destination that is a listener of this gateway (R67)', async () => {
    const { client } = await serve({ ownListeners: [{ address: '0.0.0.0', port: 2525 }] });
    const { warnings } = await client.validate({
      operations: [
        wireRoute('a.example', '127.0.0.1:2525'),
        wireRoute('b.example', 'localhost:2525'),
        wireRoute('c.example', '127.0.0.1'),
      ],
    });
    expect(warnings).toEqual([expect.stringMatching(/^a\.example/), expect.stringMatching(/^b\.example/)]);
  });

  it('warns of listeners that no process has, where it is known which there are (R120, R211)', async () => {
    let known: ReadonlySet<string> | undefined = new Set(['public', 'inside']);
    const { client } = await serve({ listeners: () => Promise.resolve(known) });
    const row = (listener: string): Operation => ({
      kind: 'set',
      section: 'hat',
      item: { listener, group: '', sources: [{ source: '10/8' }], rule: { policy: 'RELAYED' } },
    });
    const rest = (listener: string): Operation => ({
      kind: 'set',
      section: 'suspensions',
      item: { part: 'receiving', listener, reason: 'moving', author: 'ann' },
    });
    const operations = [row('insid'), row('inside'), row(''), rest('publik')].map(writeOperation);
    const told = [
      expect.stringContaining('has a listener insid; there is inside, public'),
      expect.stringContaining('has a listener publik;'),
    ];
    const commit = { id: '', expectedVersion: undefined, author: 'ann', reason: 'x', confirmDiscardAll: false };
    expect((await client.validate({ operations })).warnings).toEqual(told);
    expect((await client.preview({ operations })).warnings).toEqual(told);
    expect((await client.commit({ ...commit, operations })).warnings).toEqual(told);
    known = undefined;
    expect((await client.preview({ operations })).warnings).toEqual([]);
  });
});
