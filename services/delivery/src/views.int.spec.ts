import { DESTINATION_COLUMNS, DESTINATION_STATES } from '@mailyard/delivery-rules';
import type { Domain } from '@mailyard/mail';
import { describe, expect, it } from 'vitest';
import { delivery, deadPort, sink, until } from './delivery-fixture.suite.ts';
import type { MailScope } from '@mailyard/delivery-rules';
import type { QueueView } from './views/queue-view.ts';

async function pagesOf(queues: QueueView, scope: MailScope, size: number): Promise<string[]> {
  const seen: string[] = [];
  for (let after: string | undefined, more = true; more; more = after !== undefined) {
    const page = await queues.waiting(scope, size, after);
    seen.push(...page.recipients.map(({ forwardPath }) => forwardPath));
    after = page.next;
  }
  return seen;
}

describe('the views', () => {
  it('show destinations, waiting recipients page by page, and the ledger', async () => {
    const port = await deadPort();
    const host = await sink();
    const fixture = await delivery({
      routes: [`down.example 127.0.0.1:${port}`, `up.example 127.0.0.1:${host.port}`],
    });
    for (let i = 0; i < 5; i++) await fixture.submit({ to: ['a@down.example', 'b@down.example', 'c@up.example'] });
    await until(() => fixture.count('RecipientDelivered') === 5 && fixture.count('RecipientDeferred') === 10);
    const { queues } = fixture.worker;
    expect(queues.status()).toMatchObject({ waiting: 10, ledger: { accepted: 15, delivered: 5, deferred: 10 } });
    expect((await queues.destinations())[0]).toMatchObject({
      destination: `127.0.0.1:${port}`,
      domains: ['down.example'],
      waiting: 10,
      state: 'down',
      lastReply: { code: 451 },
      oldestAt: fixture.started,
    });
    expect((await queues.destinations())[0]!.nextAttemptAt).toBe(fixture.started + 60_000);
    const seen: string[] = [];
    for (let after: string | undefined, more = true; more; more = after !== undefined) {
      const page = await queues.waiting({ kind: 'domain', domain: 'down.example' as Domain }, 3, after);
      seen.push(...page.recipients.map(({ message, recipient }) => `${message}/${recipient}`));
      after = page.next;
    }
    expect(new Set(seen).size).toBe(10);
    expect(seen).toHaveLength(10);
  });

  it('say what a draft of the table would move', async () => {
    const port = await deadPort();
    const fixture = await delivery({ routes: [`a.example 127.0.0.1:${port}`, `b.example 127.0.0.1:${port}`] });
    await fixture.submit({ to: ['x@a.example', 'y@a.example', 'z@b.example'] });
    await until(() => fixture.count('RecipientDeferred') === 3);
    const { version, moving, waiting, blocked, hosts } = await fixture.worker.queues.census(false);
    expect({ version, moving }).toEqual({ version: fixture.routes.version, moving: 0 });
    expect([...waiting]).toEqual([
      ['a.example', 2],
      ['b.example', 1],
    ]);
    expect([...blocked]).toEqual([`127.0.0.1:${port}`]);
    expect([...hosts]).toEqual([{ key: `127.0.0.1:${port}`, state: 'down', downUntil: expect.any(Number) }]);
    expect(await fixture.worker.queues.census(true)).toMatchObject({ moving: 0, waiting: [], hosts: [] });
  });

  it('of very many domains count, sort and search all of them, and show mail that is new a second later', async () => {
    const port = await deadPort();
    const fixture = await delivery({
      routes: [`ALL 127.0.0.1:${port}`, `one.example 127.0.0.1:${port},192.0.2.1/pri=9`],
    });
    const { queues } = fixture.worker;
    const to = Array.from({ length: 1_500 }, (_, number) => `u@d${number}.example`);
    for (let at = 0; at < to.length; at += 100) await fixture.submit({ to: to.slice(at, at + 100) });
    await fixture.submit({ to: ['a@one.example'] });
    await until(() => fixture.count('RecipientDeferred') === 1_501);
    await until(async () => (await queues.destinations()).length === 2);
    expect(await queues.destinations()).toMatchObject([
      { destination: `127.0.0.1:${port}`, waiting: 1_500, domainCount: 1_500, oldestAt: fixture.started },
      { waiting: 1, domains: ['one.example'] },
    ]);
    expect(queues.status().destinationCount).toBe(2);
    expect(await queues.destinations(10, 1)).toHaveLength(1);
    expect(await queues.destinations(10, 0, 'ONE.example')).toMatchObject([{ domains: ['one.example'] }]);
    const [, second] = await queues.destinations();
    expect(await queues.destinations(1, 0, second!.destination)).toMatchObject([{ domains: ['one.example'] }]);
    const scope = { kind: 'destination', destination: `127.0.0.1:${port}` } as const;
    expect(await queues.count(scope)).toBe(1_500);
    expect(new Set(await pagesOf(queues, scope, 700))).toEqual(new Set(to));
    expect([...(await queues.census(false)).waiting]).toHaveLength(1_501);
    await fixture.submit({ to: ['b@one.example'] });
    await until(async () => (await queues.destinations(1, 1))[0]?.waiting === 2);
  });

  it('list destinations by any column, page by page, as one that sorts all does (R213)', async () => {
    const down = [await deadPort(), await deadPort(), await deadPort()];
    const host = await sink();
    const fixture = await delivery({
      routes: [...down.map((port, n) => `d${n}.example 127.0.0.1:${port}`), `up.example 127.0.0.1:${host.port}`],
    });
    const to = ['a@d0.example', 'b@d1.example', 'c@d1.example', 'd@d2.example', 'e@d2.example', 'f@d2.example'];
    await fixture.submit({ to: [...to, 'g@up.example'] });
    await until(() => fixture.count('RecipientDelivered') === 1 && fixture.count('RecipientDeferred') >= 6);
    const { queues } = fixture.worker;
    const all = await queues.destinations();
    expect(all.map(({ waiting }) => waiting).slice(0, 3)).toEqual([3, 2, 1]);
    for (const column of DESTINATION_COLUMNS)
      for (const sort of [column, `-${column}`] as const) {
        const one = async (offset: number) => queues.list({ search: '', sort, offset, limit: 1 });
        const pages = await Promise.all(all.map((_, offset) => one(offset)));
        const listed = pages.flatMap(({ destinations }) => destinations);
        expect(new Set(listed.map(({ destination }) => destination)), sort).toEqual(
          new Set(all.map(({ destination }) => destination)),
        );
        for (const { found } of pages) expect(found).toBe(all.length);
        const figures = listed.map((view) =>
          column === 'state' ? DESTINATION_STATES.indexOf(view.state) : view[column],
        );
        const known = figures.filter((figure) => figure !== undefined);
        const sorted = known.toSorted((a, b) => (a < b ? -1 : a > b ? 1 : 0));
        expect(figures.slice(0, known.length), sort).toEqual(sort === column ? sorted : sorted.toReversed());
      }
    expect(await queues.find(`127.0.0.1:${down[1]}`)).toMatchObject({ waiting: 2, domains: ['d1.example'] });
    expect(await queues.find('nowhere.example')).toBeUndefined();
    expect((await queues.list({ search: 'D1.exam', sort: 'destination', offset: 0, limit: 9 })).found).toBe(1);
  });

  it('move the mail of a domain to where a new route leads it', async () => {
    const [old, next] = [await deadPort(), await deadPort()];
    const fixture = await delivery({ routes: [`a.example 127.0.0.1:${old}`, `b.example 127.0.0.1:${old}`] });
    await fixture.submit({ to: ['x@a.example', 'y@b.example'] });
    await until(() => fixture.count('RecipientDeferred') === 2);
    const { queues } = fixture.worker;
    expect(await queues.destinations()).toMatchObject([
      { destination: `127.0.0.1:${old}`, waiting: 2, domainCount: 2 },
    ]);
    fixture.routes.set(`b.example 127.0.0.1:${next}`);
    await until(async () => (await queues.destinations()).length === 2);
    expect(await queues.find(`127.0.0.1:${old}`)).toMatchObject({ waiting: 1, domains: ['a.example'] });
    expect(await queues.find(`127.0.0.1:${next}`)).toMatchObject({ waiting: 1, domains: ['b.example'] });
  });

  it('of a domain show what waits, what is ready and what is being sent, each once', async () => {
    let isAtDot = false;
    const host = await sink({
      onStep: ({ step }) => {
        if (step !== 'dot') return undefined;
        isAtDot = true;
        return new Promise(() => undefined);
      },
    });
    const port = await deadPort();
    const fixture = await delivery({
      routes: [`slow.example 127.0.0.1:${host.port}`, `down.example 127.0.0.1:${port}`],
      settings: { maxConnectionsPerDestination: 1 },
    });
    for (let n = 0; n < 30; n++) await fixture.submit({ to: [`u${n}@slow.example`, `u${n}@down.example`] });
    await until(() => isAtDot && fixture.waiting === 60);
    const { queues } = fixture.worker;
    for (const domain of ['slow.example', 'down.example']) {
      const seen = await pagesOf(queues, { kind: 'domain', domain: domain as Domain }, 7);
      expect(seen.toSorted()).toEqual(Array.from({ length: 30 }, (_, n) => `u${n}@${domain}`).toSorted());
      expect(await queues.count({ kind: 'domain', domain: domain as Domain })).toBe(30);
    }
    expect(await queues.count({ kind: 'all' })).toBe(60);
    expect(await pagesOf(queues, { kind: 'all' }, 7)).toHaveLength(60);
  });
});
