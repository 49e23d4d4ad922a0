import { expect, it } from 'vitest';
import { changedProfiles } from './auth-profiles.ts';
import type { AuthProfile } from './sections.ts';

const EDGE: AuthProfile = {
  name: 'edge',
  username: 'gateway',
  secret: { kind: 'file', file: 'f' },
  allowClear: false,
};
const table = (...profiles: readonly AuthProfile[]) => new Map(profiles.map((profile) => [profile.name, profile]));

it.each<[string, AuthProfile[], AuthProfile[], string[]]>([
  ['nothing', [EDGE], [{ ...EDGE, secret: { ...EDGE.secret } }], []],
  ['a user', [EDGE], [{ ...EDGE, username: 'other' }], ['edge']],
  ['another file', [EDGE], [{ ...EDGE, secret: { kind: 'file', file: 'g' } }], ['edge']],
  ['a variable of the same name', [EDGE], [{ ...EDGE, secret: { kind: 'environment', variable: 'f' } }], ['edge']],
  ['leave for clear text', [EDGE], [{ ...EDGE, allowClear: true }], ['edge']],
  ['one that came', [EDGE], [EDGE, { ...EDGE, name: 'new' }], ['new']],
  ['one that went', [EDGE, { ...EDGE, name: 'old' }], [EDGE], ['old']],
])('a change of profiles is told: %s', (_what, before, after, names) => {
  expect([...changedProfiles(table(...before), table(...after))]).toEqual(names);
});
