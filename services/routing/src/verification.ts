import {
  type ChangeSet,
  ConfigurationFold,
  type ConfigurationLog,
  type ConfigurationState,
  findChainBreak,
  initialState,
  isSameConfiguration,
  type LoggedChangeSet,
} from '@mailyard/configuration';
import { decodeChangeSet, decodeSnapshot } from '@mailyard/contracts';
import { isMtaError } from '@mailyard/mail';
import { hashChangeSet } from './hash.ts';

export interface Verification {
  readonly lineage: string;
  /** The newest version that the log has. */
  readonly versions: number;
  readonly hash: string;
  /** Empty: all is well. */
  readonly problems: readonly string[];
}

/** The change set of an entry, or what is wrong with it as the one after a state. */
export type Continuation =
  | { readonly kind: 'continues'; readonly changeSet: ChangeSet }
  | { readonly kind: 'breaks'; readonly reason: string }
  | { readonly kind: 'unreadable'; readonly message: string };

/** Reads an entry of the log as the one that comes after a state, of which only lineage, version and hash count. */
export function readContinuation(state: ConfigurationState, logged: LoggedChangeSet): Continuation {
  let changeSet: ChangeSet;
  try {
    changeSet = decodeChangeSet(logged.payload);
  } catch (error) {
    if (!isMtaError(error, 'CHANGE_SET_UNREADABLE')) throw error;
    return { kind: 'unreadable', message: error.message };
  }
  const chainBreak = findChainBreak(state, changeSet);
  if (chainBreak !== undefined) return { kind: 'breaks', reason: chainBreak.kind };
  if (changeSet.version !== logged.version) return { kind: 'breaks', reason: 'other version' };
  return changeSet.id === logged.id ? { kind: 'continues', changeSet } : { kind: 'breaks', reason: 'other id' };
}

/**
 * Reads the whole log and finds all that is wrong with it: its chain of hashes, its snapshot, and what is served.
 *
 * Hashes are compared to the end. What versions say is compared up to the first that is missing, forged or unreadable:
 * what comes after it cannot be known.
 *
 * @param served undefined where nothing is
 * @throws MtaError `CONFIGURATION_AWAY`
 */
export async function verifyLog(
  log: Pick<ConfigurationLog, 'lineage' | 'read' | 'snapshot'>,
  lineage: string,
  served: ConfigurationState | undefined,
): Promise<Verification> {
  const problems: string[] = [];
  const found = await log.lineage();
  if (found !== lineage)
    problems.push(found === undefined ? 'the log names no lineage' : `the log is of lineage ${found}`);
  const snapshot = await log.snapshot();
  const fold = new ConfigurationFold(initialState(lineage));
  let state = initialState(lineage);
  let isWhole = true;
  const isOther = (kept: ConfigurationState, hash: string): boolean =>
    kept.hash !== hash || (isWhole && !isSameConfiguration(kept, fold.finish()));
  for await (const logged of log.read(1)) {
    const { version } = logged;
    const hash = hashChangeSet(logged.payload);
    const read = readContinuation(state, logged);
    if (read.kind === 'unreadable') problems.push(`version ${version} cannot be read: ${read.message}`);
    if (read.kind === 'breaks')
      problems.push(`version ${version} does not continue version ${state.version}: ${read.reason}`);
    isWhole &&= read.kind === 'continues';
    if (isWhole && read.kind === 'continues') fold.apply(read.changeSet, hash);
    state = { ...state, version, hash };
    if (snapshot?.version === version) {
      const taken = decodeSnapshot(snapshot.payload);
      if (taken === undefined || isOther(taken, hash))
        problems.push(`the snapshot of version ${version} says something else`);
    }
    if (served?.version === version && isOther(served, hash))
      problems.push(`what is served as version ${version} is not what the log says`);
  }
  if (snapshot !== undefined && snapshot.version > state.version)
    problems.push(`there is a snapshot of version ${snapshot.version} and the log ends at ${state.version}`);
  if (served === undefined) problems.push('nothing of the log is served');
  else if (state.version < served.version)
    problems.push(`version ${served.version} is served and the log ends at ${state.version}`);
  return { lineage, versions: state.version, hash: state.hash, problems };
}
