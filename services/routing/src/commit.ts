import { setTimeout as wait } from 'node:timers/promises';
import {
  type ChangeSet,
  type ConfigurationFault,
  type ConfigurationLog,
  type ConfigurationState,
  type Difference,
  differences,
  applyOperations,
  isDisjoint,
  type LoggedChangeSet,
  type Operation,
  reliedOn,
  touchedBy,
  validateOperations,
} from '@mailyard/configuration';
import { encodeChangeSet, encodeSnapshot } from '@mailyard/contracts';
import { isMtaError, MtaError } from '@mailyard/mail';
import type { RouteRules } from '@mailyard/smtp-routes';
import type { ConfigurationFollower } from './configuration-follower.ts';
import { readCommitted } from './committed.ts';
import { hashChangeSet } from './hash.ts';
import type { PastStates } from './past-states.ts';

/** A change that someone wants committed. */
export interface Change {
  /** The same id again is the same change. */
  readonly id: string;
  /** The version it was made on; absent = whatever there is. */
  readonly expectedVersion?: number;
  readonly operations: readonly Operation[];
  readonly author: string;
  readonly reason: string;
  /** `ALL /dev/null` drops the mail of every domain without an entry (R66). */
  readonly confirmDiscardAll?: boolean;
}

export type CommitOutcome =
  | { readonly kind: 'committed'; readonly version: number; readonly hash: string; readonly wasCommitted: boolean }
  | { readonly kind: 'refused'; readonly version: number; readonly faults: readonly ConfigurationFault[] }
  /** The table has moved on, and what happened since touches the same items. */
  | { readonly kind: 'conflict'; readonly version: number; readonly differences: readonly Difference[] }
  | { readonly kind: 'unconfirmed'; readonly version: number };

const SNAPSHOT_EVERY = 100;
/** How long the outcome of an append is looked for before the caller is told that it is not known. */
const UNCERTAIN_MS = 20_000;

/** Commits changes one after the other, each on the newest version. */
export class Committer {
  readonly #log: ConfigurationLog;
  readonly #lineage: string;
  readonly #rules: RouteRules;
  readonly #follower: ConfigurationFollower;
  readonly #past: PastStates;
  readonly #now: () => number;
  #last: Promise<unknown> = Promise.resolve();

  constructor(
    log: ConfigurationLog,
    lineage: string,
    rules: RouteRules,
    follower: ConfigurationFollower,
    past: PastStates,
    now: () => number,
  ) {
    this.#log = log;
    this.#lineage = lineage;
    this.#rules = rules;
    this.#follower = follower;
    this.#past = past;
    this.#now = now;
  }

  /**
   * Validates and commits a change.
   *
   * @throws MtaError `CONFIGURATION_AWAY` (nothing was written), `CONFIGURATION_UNCERTAIN` (commit the same id again to
   * find out), `CONFIGURATION_NOT_READY`, `CONFIGURATION_FOREIGN`
   */
  commit(change: Change): Promise<CommitOutcome> {
    const outcome = this.#last.then(() => this.#commit(change));
    this.#last = outcome.catch(() => {});
    return outcome;
  }

  async #commit(change: Change): Promise<CommitOutcome> {
    await this.#follower.catchUp();
    for (;;) {
      const { state } = this.#follower.demandFollowing();
      const known = await this.#find(change.id);
      if (known !== undefined) return known;
      const { expectedVersion } = change;
      const conflict =
        expectedVersion === undefined ? undefined : await this.conflictOf(change.operations, expectedVersion);
      if (conflict !== undefined) return conflict;
      const faults = validateOperations(state, change.operations, this.#rules);
      if (faults.length > 0) return { kind: 'refused', version: state.version, faults };
      if (change.confirmDiscardAll !== true && discardsAll(state, change.operations))
        return { kind: 'unconfirmed', version: state.version };
      const logged = this.#write(change, state);
      if ((await this.#append(logged)) === 'committed') {
        await this.#follower.catchUp();
        await this.#snapshot();
        return { kind: 'committed', version: logged.version, hash: hashChangeSet(logged.payload), wasCommitted: false };
      }
      // Another instance was quicker: the change is judged again on what it made.
      await this.#follower.catchUp();
    }
  }

  #write({ id, operations, author, reason }: Change, { version, hash }: ConfigurationState): LoggedChangeSet {
    const changeSet: ChangeSet = {
      id,
      lineage: this.#lineage,
      version: version + 1,
      previousHash: hash,
      author,
      reason,
      at: this.#now(),
      operations,
    };
    return { id, lineage: this.#lineage, version: version + 1, payload: encodeChangeSet(changeSet) };
  }

  /** Whether a change on an older version is refused, and why; undefined when it may be committed on the newest. */
  async conflictOf(operations: readonly Operation[], expectedVersion: number): Promise<CommitOutcome | undefined> {
    const { state } = this.#follower.demand();
    if (expectedVersion === state.version) return undefined;
    const since = await this.#differencesInTheWay(operations, expectedVersion, state);
    return since === undefined ? undefined : { kind: 'conflict', version: state.version, differences: since };
  }

  async #find(id: string): Promise<CommitOutcome | undefined> {
    const found = await this.#log.find(id);
    if (found === undefined || found.version > this.#follower.demand().state.version) return undefined;
    return { kind: 'committed', version: found.version, hash: hashChangeSet(found.payload), wasCommitted: true };
  }

  /** Appends; an outcome that is not known is found out by the id, and the same append is safe to repeat. */
  async #append(logged: LoggedChangeSet): Promise<'committed' | 'conflict'> {
    const until = performance.now() + UNCERTAIN_MS;
    for (let waitMs = 20; ; waitMs = Math.min(1000, waitMs * 2)) {
      try {
        const { kind } = await this.#log.commit(logged);
        if (kind === 'committed') return kind;
        const found = await this.#log.find(logged.id);
        return found?.version === logged.version ? 'committed' : 'conflict';
      } catch (error) {
        if (!isMtaError(error, 'CONFIGURATION_UNCERTAIN') && !(isMtaError(error, 'CONFIGURATION_AWAY') && waitMs > 20))
          throw error;
        if (performance.now() > until) {
          throw new MtaError(
            'CONFIGURATION_UNCERTAIN',
            `whether ${logged.id} was committed is not known; commit the same id again`,
            { cause: error },
          );
        }
      }
      await wait(waitMs);
    }
  }

  /** @returns the differences when what was committed since `expectedVersion` touches what the change touches */
  async #differencesInTheWay(
    operations: readonly Operation[],
    expectedVersion: number,
    state: ConfigurationState,
  ): Promise<Difference[] | undefined> {
    if (expectedVersion > state.version) return [];
    const ours = reliedOn(operations);
    let isInTheWay = false;
    for await (const logged of this.#log.read(expectedVersion + 1)) {
      const { changeSet, isUnreadable } = readCommitted(logged);
      if (isUnreadable || !isDisjoint(ours, touchedBy(changeSet.operations))) isInTheWay = true;
    }
    if (!isInTheWay) return undefined;
    const before = await this.#past.at(expectedVersion, state);
    return [...differences(before, state)];
  }

  async #snapshot(): Promise<void> {
    const { state } = this.#follower.demand();
    if (state.version % SNAPSHOT_EVERY !== 0) return;
    // A snapshot is a shortcut: without it the next start reads more.
    await this.#log.writeSnapshot(state.version, encodeSnapshot(state)).catch(() => {});
  }
}

/** Whether operations make ALL drop mail, where it did not before. */
function discardsAll(state: ConfigurationState, operations: readonly Operation[]): boolean {
  const isDiscarding = ({ sections }: ConfigurationState): boolean =>
    sections.routes.get('ALL')?.item.target.kind === 'null';
  const touched = touchedBy(operations);
  if (!touched.has('routes ALL') && !touched.has('routes *')) return false;
  return !isDiscarding(state) && isDiscarding(applyOperations(state, operations));
}
