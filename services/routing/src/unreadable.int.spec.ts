import { changeSetWire } from '@mailyard/contracts';
import { expect, it } from 'vitest';
import { LINEAGE, newLog, put, runRouting, until } from './routing-fixture.suite.ts';

/** What a later release may write: an operation that is not known here. */
const LATER = changeSetWire.ChangeSet.encode(
  changeSetWire.ChangeSet.fromPartial({ id: 'later', lineage: LINEAGE, version: 4, operations: [{}] }),
).finish();

it('a change set that cannot be read is shown as such by history, by its id and by its version, and hides nothing else', async () => {
  const log = await newLog();
  let now = 1000;
  const routing = await runRouting(log, { now: () => now });
  try {
    const { administration } = routing;
    await administration.commit([put('a.example h.example')], { author: 'ann' });
    now = 2000;
    await administration.commit([put('b.example h.example')], { author: 'ben' });
    await log.commit({ id: 'later', lineage: LINEAGE, version: 4, payload: LATER });
    await until(() => expect(routing.alarms.at(-1)).toMatchObject({ code: 'CHANGE_SET_UNREADABLE' }));
    // Whoever follows stays where it is; another process may have gone on.
    const unreadable = {
      isUnreadable: true,
      changeSet: { id: 'later', version: 4, reason: expect.stringMatching(/cannot be read/) },
    };
    expect(await administration.changeSet(4)).toMatchObject(unreadable);
    expect(await administration.find('later')).toMatchObject(unreadable);
    expect((await administration.history({ limit: 9 })).map(({ changeSet }) => changeSet.version)).toEqual([
      4, 3, 2, 1,
    ]);
    const explained = await administration.explain('b.example' as never, { at: 1500 });
    expect(explained.state.version).toBe(2);
    expect(await administration.conflictOf([put('z.example h.example')], 2)).toMatchObject({ kind: 'conflict' });
    expect(administration.state.version).toBe(3);
  } finally {
    await routing.stop();
  }
});
