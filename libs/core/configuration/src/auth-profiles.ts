import { isSameSecret } from './secret-reference.ts';
import type { AuthProfile } from './sections.ts';

/** The outgoing authentication profiles as they are now (R150). */
export interface AuthProfileSource {
  get(name: string): AuthProfile | undefined;
  /** Tells the names of profiles that came, went or say something else. */
  onChange(listener: (names: ReadonlySet<string>) => void): void;
}

/** Names of the profiles that came, went or say something else. */
export function changedProfiles(
  before: ReadonlyMap<string, AuthProfile>,
  after: ReadonlyMap<string, AuthProfile>,
): ReadonlySet<string> {
  const changed = new Set<string>();
  for (const [name, profile] of after) if (!isSameProfile(before.get(name), profile)) changed.add(name);
  for (const name of before.keys()) if (!after.has(name)) changed.add(name);
  return changed;
}

function isSameProfile(a: AuthProfile | undefined, b: AuthProfile): boolean {
  if (a === undefined || a.username !== b.username || a.allowClear !== b.allowClear) return false;
  return isSameSecret(a.secret, b.secret);
}
