/**
 * Keeps the configuration as of the newest version of its log.
 *
 * `waiting`: nothing to serve yet. `following`: what is served is what the log says. `detached`: the log says something
 * that is no continuation of what is served (another lineage, nothing at all, a forged or unreadable change set); the
 * last good table is served on, an alarm is raised, and nothing is committed. The log is looked at again all the time,
 * and a log that continues what is served is followed again.
 *
 * A log of the same lineage with another history (a replica took over that lacks the last writes) is believed: it is
 * read from its beginning, and everyone who keeps answers is told to begin anew.
 */
import {
  type AccessTables,
  accessTablesOf,
  type ChangeSet,
  type ConfigurationLog,
  ConfigurationFold,
  type ConfigurationState,
  initialState,
  isSameSection,
  type LoggedChangeSet,
  routeTableOf,
  SECTION_NAMES,
} from '@mailyard/configuration';
import { decodeSnapshot } from '@mailyard/contracts';
import { MtaError } from '@mailyard/mail';
import { RouteChanges, type RouteTable } from '@mailyard/smtp-routes';
import { hashChangeSet } from './hash.ts';
import type { RoutingAlarm } from './ports.ts';
import { type Advance, RecentChanges } from './recent-changes.ts';
import { readContinuation } from './verification.ts';

export type Standing = 'waiting' | 'following' | 'detached';

/** What is served now. */
export interface Served {
  readonly state: ConfigurationState;
  readonly table: RouteTable;
  readonly access: AccessTables;
}

export interface FollowerListener {
  advanced(advance: Advance): void;
  /** Another history is served now. */
  restarted(): void;
}

export class ConfigurationFollower {
  readonly recent = new RecentChanges();
  readonly #log: ConfigurationLog;
  readonly #lineage: string;
  readonly #alarm: (alarm: RoutingAlarm) => void;
  readonly #listeners = new Set<FollowerListener>();
  #served: Served | undefined;
  #standing: Standing = 'waiting';
  #alarmed = '';
  #running: Promise<void> | undefined;
  #again: Promise<void> | undefined;

  constructor(log: ConfigurationLog, lineage: string, alarm: (alarm: RoutingAlarm) => void) {
    this.#log = log;
    this.#lineage = lineage;
    this.#alarm = alarm;
  }

  get standing(): Standing {
    return this.#standing;
  }

  get served(): Served | undefined {
    return this.#served;
  }

  /** @returns a function that stops listening */
  listen(listener: FollowerListener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /**
   * Reads on to what the log has now; a call while another reads waits for a reading that begins after it.
   *
   * @throws MtaError `CONFIGURATION_AWAY`
   */
  catchUp(): Promise<void> {
    if (this.#running === undefined) {
      this.#running = this.#read().finally(() => {
        this.#running = undefined;
      });
      return this.#running;
    }
    this.#again ??= this.#running
      .catch(() => {})
      .then(() => {
        this.#again = undefined;
        return this.catchUp();
      });
    return this.#again;
  }

  async #read(): Promise<void> {
    const lineage = await this.#log.lineage();
    if (lineage === undefined)
      this.#detach('CONFIGURATION_EMPTY', 'the configuration log is empty; mailyard init writes a lineage');
    else if (lineage !== this.#lineage)
      this.#detach('CONFIGURATION_FOREIGN', `the configuration log is of lineage ${lineage}, not ${this.#lineage}`);
    else if (this.#served === undefined) await this.#begin();
    else await this.#goOn(this.#served.state);
  }

  async #goOn(state: ConfigurationState): Promise<void> {
    let isContinued = false;
    for await (const logged of this.#log.read(state.version)) {
      if (isContinued) {
        if (!this.#take(logged)) return;
      } else if (logged.version === state.version && hashChangeSet(logged.payload) === state.hash) isContinued = true;
      else break;
    }
    if (isContinued) this.#follow();
    else {
      this.#raise(
        'CONFIGURATION_REWRITTEN',
        `the log no longer has version ${state.version} as it was served; it is read from its beginning`,
      );
      await this.#begin();
    }
  }

  /** Goes on by one change set. @returns whether it continued what is served */
  #take(logged: LoggedChangeSet): boolean {
    const { state, table } = this.#served!;
    const changeSet = this.#decode(state, logged);
    if (changeSet === undefined) return false;
    const hash = hashChangeSet(logged.payload);
    const fold = new ConfigurationFold(state);
    const effect = fold.apply(changeSet, hash);
    const next = fold.finish();
    const sections = SECTION_NAMES.filter((name) => name !== 'routes' && !isSameSection(name, state, next));
    const access =
      sections.length === 0
        ? { ...this.#served!.access, version: next.version }
        : accessTablesOf(next, { state, tables: this.#served!.access });
    const changes = table.advance(changeSet.version, effect.changes, effect.mode);
    this.#served = { state: next, table, access };
    const advance: Advance = {
      version: changeSet.version,
      hash,
      previousHash: state.hash,
      changes,
      sections,
      at: changeSet.at,
    };
    this.recent.push(advance);
    for (const listener of this.#listeners) listener.advanced(advance);
    return true;
  }

  #decode(state: ConfigurationState, logged: LoggedChangeSet): ChangeSet | undefined {
    const read = readContinuation(state, logged);
    if (read.kind === 'continues') return read.changeSet;
    if (read.kind === 'unreadable') this.#detach('CHANGE_SET_UNREADABLE', read.message);
    else
      this.#detach(
        'CONFIGURATION_FORGED',
        `version ${logged.version} does not continue version ${state.version} (${read.reason})`,
      );
    return undefined;
  }

  /** Reads the log from its snapshot, or from its first change set when the snapshot is none of this history. */
  async #begin(): Promise<void> {
    const snapshot = await this.#log.snapshot();
    const start = snapshot === undefined ? undefined : decodeSnapshot(snapshot.payload);
    if (start !== undefined && start.lineage === this.#lineage && (await this.#foldFrom(start))) return;
    if (snapshot !== undefined)
      this.#raise(
        'SNAPSHOT_WRONG',
        `the snapshot of version ${snapshot.version} is none of this history; it is passed over`,
      );
    await this.#foldFrom(initialState(this.#lineage));
  }

  /** @returns false when the log does not have the state's version as the state has it */
  async #foldFrom(start: ConfigurationState): Promise<boolean> {
    const fold = new ConfigurationFold(start);
    const advances: Advance[] = [];
    let state = start;
    let isContinued = start.version === 0;
    for await (const logged of this.#log.read(Math.max(1, start.version))) {
      if (!isContinued) {
        if (logged.version !== start.version || hashChangeSet(logged.payload) !== start.hash) return false;
        isContinued = true;
        continue;
      }
      const changeSet = this.#decode(state, logged);
      if (changeSet === undefined) return true;
      const hash = hashChangeSet(logged.payload);
      const { changes, mode } = fold.apply(changeSet, hash);
      const domains = changes.map((change) => change.receivingDomain);
      const sections = SECTION_NAMES.filter((name) =>
        changeSet.operations.some((one) => one.kind !== 'matchingMode' && one.section === name && name !== 'routes'),
      );
      const told = new RouteChanges(changeSet.version, domains, mode, mode !== state.mode);
      advances.push({
        version: changeSet.version,
        hash,
        previousHash: state.hash,
        changes: told,
        sections,
        at: changeSet.at,
      });
      state = { ...state, version: changeSet.version, hash, mode };
    }
    if (!isContinued) return false;
    const read = fold.finish();
    if (read.version === 0) {
      this.#detach(
        'CONFIGURATION_EMPTY',
        'the configuration log has a lineage and no change set yet; mailyard init makes the first',
      );
      return true;
    }
    this.#serve(read, advances);
    return true;
  }

  #serve(state: ConfigurationState, advances: readonly Advance[]): void {
    const isOther = this.#served !== undefined;
    this.#served = { state, table: routeTableOf(state), access: accessTablesOf(state) };
    this.recent.clear();
    for (const advance of advances) this.recent.push(advance);
    this.#follow();
    if (isOther) for (const listener of this.#listeners) listener.restarted();
  }

  #follow(): void {
    this.#standing = 'following';
    this.#alarmed = '';
  }

  #detach(code: RoutingAlarm['code'], message: string): void {
    this.#standing = this.#served === undefined ? 'waiting' : 'detached';
    this.#raise(code, message);
  }

  /** Says each thing once until something else is the matter. */
  #raise(code: RoutingAlarm['code'], message: string): void {
    if (this.#alarmed === message) return;
    this.#alarmed = message;
    this.#alarm({ code, message });
  }

  /**
   * What is served, for someone who cannot do without.
   *
   * @throws MtaError `CONFIGURATION_NOT_READY`
   */
  demand(): Served {
    if (this.#served === undefined)
      throw new MtaError('CONFIGURATION_NOT_READY', 'there is no configuration to serve yet');
    return this.#served;
  }

  /**
   * What is served, for someone who will change it.
   *
   * @throws MtaError `CONFIGURATION_NOT_READY`, `CONFIGURATION_FOREIGN`
   */
  demandFollowing(): Served {
    const served = this.demand();
    if (this.#standing === 'following') return served;
    throw new MtaError(
      'CONFIGURATION_FOREIGN',
      `the configuration log does not continue what is served: ${this.#alarmed}`,
    );
  }
}
