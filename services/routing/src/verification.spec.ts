import {
  applyChangeSet,
  type ChangeSet,
  type ConfigurationState,
  initialState,
  type LoggedChangeSet,
} from '@mailyard/configuration';
import { encodeChangeSet, encodeSnapshot } from '@mailyard/contracts';
import { describe, expect, it } from 'vitest';
import { hashChangeSet } from './hash.ts';
import { LINEAGE, put } from './routing-fixture.suite.ts';
import { verifyLog } from './verification.ts';

/** Versions 1 to 5, each with the state that it makes. */
function history(): { entries: LoggedChangeSet[]; states: ConfigurationState[] } {
  const entries: LoggedChangeSet[] = [];
  const states = [initialState(LINEAGE)];
  for (let version = 1; version <= 5; version++) {
    const before = states.at(-1)!;
    const id = `change-${version}`;
    const operations = [put(`d${version}.example h.example`)];
    const changeSet: ChangeSet = {
      id,
      lineage: LINEAGE,
      version,
      previousHash: before.hash,
      author: 'ann',
      reason: '',
      at: version,
      operations,
    };
    const payload = encodeChangeSet(changeSet);
    entries.push({ id, lineage: LINEAGE, version, payload });
    states.push(applyChangeSet(before, changeSet, hashChangeSet(payload)));
  }
  return { entries, states };
}

const { entries, states } = history();

function verify(
  kept: readonly LoggedChangeSet[],
  { snapshotOf, served = states[5] }: { snapshotOf?: ConfigurationState; served?: ConfigurationState } = {},
) {
  const log = {
    lineage: async () => LINEAGE,
    snapshot: async () =>
      snapshotOf === undefined ? undefined : { version: snapshotOf.version, payload: encodeSnapshot(snapshotOf) },
    async *read() {
      yield* kept;
    },
  };
  return verifyLog(log, LINEAGE, served);
}

const without = (...versions: number[]) => entries.filter(({ version }) => !versions.includes(version));
const changed = (version: number, change: Partial<LoggedChangeSet>) =>
  entries.map((entry) => (entry.version === version ? { ...entry, ...change } : entry));

describe('the verification of the log', () => {
  it('has nothing to say of a whole one', async () => {
    expect(await verify(entries, { snapshotOf: states[3]! })).toEqual({
      lineage: LINEAGE,
      versions: 5,
      hash: states[5]!.hash,
      problems: [],
    });
  });

  it('names a change set that cannot be read and goes on to the end', async () => {
    const broken = changed(2, { payload: new Uint8Array([0xff, 0xff]) });
    expect(await verify(broken)).toMatchObject({
      versions: 5,
      problems: [expect.stringMatching(/^version 2 cannot be read: /), 'version 3 does not continue version 2: forged'],
    });
  });

  it.each<[string, LoggedChangeSet[], string[]]>([
    ['in the middle', without(3), ['version 4 does not continue version 2: gap']],
    [
      'at the beginning and in the middle',
      without(1, 3),
      ['version 2 does not continue version 0: gap', 'version 4 does not continue version 2: gap'],
    ],
    ['at the end', without(5), ['version 5 is served and the log ends at 4']],
  ])('names versions missing %s, and does not call wrong what was right', async (_where, kept, problems) => {
    expect((await verify(kept, { snapshotOf: states[4]! })).problems).toEqual(problems);
  });

  it('names an altered one by the one that follows it, and one under the id of another', async () => {
    expect((await verify(changed(2, { id: 'other' }))).problems).toEqual([
      'version 2 does not continue version 1: other id',
    ]);
    const payload = Buffer.from(entries[1]!.payload);
    payload.write('e', payload.indexOf('d2.example'));
    expect((await verify(changed(2, { payload }))).problems).toEqual(['version 3 does not continue version 2: forged']);
  });

  it('names a snapshot that says something else or is newer than the log, and what is served besides the log', async () => {
    const other = { ...states[3]!, sections: states[2]!.sections };
    expect((await verify(entries, { snapshotOf: other })).problems).toEqual([
      'the snapshot of version 3 says something else',
    ]);
    expect((await verify(entries, { served: other })).problems).toEqual([
      'what is served as version 3 is not what the log says',
    ]);
    expect((await verify(without(5), { snapshotOf: states[5]!, served: states[4]! })).problems).toEqual([
      'there is a snapshot of version 5 and the log ends at 4',
    ]);
  });
});
