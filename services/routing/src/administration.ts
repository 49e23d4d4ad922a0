import { randomUUID } from 'node:crypto';
import {
  applyOperations,
  type ChangeSet,
  type ConfigurationFault,
  type ConfigurationLog,
  type ConfigurationState,
  type Difference,
  itemsOf,
  type Operation,
  operationsBetween,
  routeTableOf,
  type SectionName,
  touchedBy,
  validateOperations,
} from '@mailyard/configuration';
import { encodeChangeSet } from '@mailyard/contracts';
import { type AddressLiteral, type Domain, MtaError, type Remark } from '@mailyard/mail';
import {
  printRouteFile,
  type RouteCandidate,
  type RouteDecision,
  type RouteRules,
  type TablePair,
} from '@mailyard/smtp-routes';
import { type CommitOutcome, Committer } from './commit.ts';
import { type Committed, readCommitted } from './committed.ts';
import type { ConfigurationFollower } from './configuration-follower.ts';
import { followVersion, type FollowingMail } from './following-mail.ts';
import { type FileFormat, readFile, replaceRoutes } from './import-file.ts';
import { PastStates } from './past-states.ts';
import type {
  DeliveryLimits,
  ExplainedHost,
  ExplainedMtaSts,
  HostExplainer,
  ListenerDirectory,
  QueueCensus,
} from './ports.ts';
import { KeptComparison } from './kept-comparison.ts';
import type { WaitingMail } from './preview.ts';
import { type Verification, verifyLog } from './verification.ts';
import {
  findWarnings,
  type KeyRemarks,
  namesListeners,
  type OwnListener,
  remarksOnKeys,
  unknownListeners,
} from './warnings.ts';

/** A change as a person or program asks for it. */
export interface ChangeRequest {
  /** Made up when absent. */
  readonly id?: string;
  readonly expectedVersion?: number;
  readonly author: string;
  readonly reason?: string;
  readonly confirmDiscardAll?: boolean;
}

export interface ValidationOutcome {
  readonly version: number;
  readonly faults: readonly ConfigurationFault[];
  readonly warnings: readonly Remark[];
}

export interface PreviewOutcome extends ValidationOutcome {
  /** The state that was looked at, and what would be there; none when there are faults. */
  readonly before: ConfigurationState;
  readonly after?: ConfigurationState;
  readonly waiting?: WaitingMail;
}

export interface ImportOutcome extends ValidationOutcome {
  /** What makes the table say what the file says; none where that is so already, or the file has faults. */
  readonly operations: readonly Operation[];
  readonly differences: readonly Difference[];
  readonly outcome?: CommitOutcome;
  readonly added: number;
  readonly removed: number;
  readonly changed: number;
  readonly unchanged: number;
  /** Of a dry run. */
  readonly waiting?: WaitingMail;
}

export interface HistoryQuery {
  readonly limit: number;
  /** Only versions below; absent = from the newest. */
  readonly before?: number;
  readonly section?: SectionName;
  readonly key?: string;
}

/** Which table an explanation is about; nothing = the newest. */
export type Moment = { readonly version: number } | { readonly at: number } | { readonly draft: readonly Operation[] };

export interface Explanation {
  readonly state: ConfigurationState;
  readonly domain: Domain | AddressLiteral;
  readonly decision: RouteDecision;
  readonly candidates: readonly RouteCandidate[];
  readonly hosts: readonly ExplainedHost[];
  readonly limits?: DeliveryLimits;
  readonly mtaStsPolicy?: ExplainedMtaSts;
}

export interface AdministrationOptions {
  readonly log: ConfigurationLog;
  readonly lineage: string;
  readonly rules: RouteRules;
  readonly follower: ConfigurationFollower;
  readonly now: () => number;
  readonly ownListeners: readonly OwnListener[];
  readonly listeners?: ListenerDirectory;
  readonly remarkOnKey?: KeyRemarks;
  readonly census?: QueueCensus;
  readonly explainHosts?: HostExplainer;
}

/** All that an administrator does to the configuration: the one implementation behind gRPC, command line and start. */
export class Administration {
  readonly #options: AdministrationOptions;
  readonly #past: PastStates;
  readonly #committer: Committer;
  readonly #comparison = new KeptComparison();

  constructor(options: AdministrationOptions) {
    const { log, lineage, rules, follower, now } = options;
    this.#options = options;
    this.#past = new PastStates(log, lineage);
    this.#committer = new Committer(log, lineage, rules, follower, this.#past, now);
  }

  get rules(): RouteRules {
    return this.#options.rules;
  }

  /** The newest state. @throws MtaError `CONFIGURATION_NOT_READY` */
  get state(): ConfigurationState {
    return this.#options.follower.demand().state;
  }

  /** The state of a version; 0 = the newest. @throws MtaError `VERSION_NOT_FOUND` */
  at(version: number): Promise<ConfigurationState> {
    return this.#past.at(version, this.state);
  }

  /** Warns of listeners that operations name and that no process has; of none where it is not known which there are. */
  async listenerWarnings(operations: readonly Operation[]): Promise<readonly Remark[]> {
    const { listeners } = this.#options;
    if (listeners === undefined || !namesListeners(operations)) return [];
    const known = await listeners();
    return known === undefined ? [] : unknownListeners(operations, known);
  }

  /** Finds all faults of some operations. */
  validate(operations: readonly Operation[]): ValidationOutcome {
    const { state } = this;
    const faults = validateOperations(state, operations, this.rules);
    const warnings = findWarnings(operations, this.#options.ownListeners);
    const { remarkOnKey } = this.#options;
    const onKeys = remarkOnKey === undefined ? [] : remarksOnKeys(state, operations, remarkOnKey);
    return { version: state.version, faults, warnings: [...warnings, ...onKeys] };
  }

  /** Tells what some operations would do to the configuration and to the mail that waits. */
  async preview(operations: readonly Operation[]): Promise<PreviewOutcome> {
    const { state } = this;
    const found = this.validate(operations);
    if (found.faults.length > 0) return { ...found, before: state };
    const validation = { ...found, warnings: [...found.warnings, ...(await this.listenerWarnings(operations))] };
    const { census } = this.#options;
    const compared = this.#comparison.of(state, operations);
    const { after } = compared;
    if (census === undefined) return { ...validation, before: state, after };
    return { ...validation, before: state, after, waiting: await compared.tables.preview(await census.take()) };
  }

  /** The tables without and with some operations, for whoever looks at other mail than what waits. */
  compare(operations: readonly Operation[]): ValidationOutcome & { readonly tables?: TablePair } {
    const validation = this.validate(operations);
    if (validation.faults.length > 0) return validation;
    return { ...validation, tables: this.#comparison.of(this.state, operations).tables };
  }

  /**
   * Tells how the waiting mail follows a version, until all of it does. Without owners to ask there is nothing to tell.
   *
   * @throws MtaError `VERSION_NOT_FOUND`
   */
  async *followWaitingMail(version: number, signal: AbortSignal): AsyncGenerator<FollowingMail> {
    const { census } = this.#options;
    if (census === undefined) return;
    const [before, after] = [await this.at(Math.max(1, version - 1)), await this.at(version)];
    yield* followVersion(before, after, census, signal);
  }

  /** Commits operations as one change set. */
  commit(operations: readonly Operation[], request: ChangeRequest): Promise<CommitOutcome> {
    const { id, author, reason, expectedVersion, confirmDiscardAll } = request;
    return this.#committer.commit({
      id: id ?? randomUUID(),
      operations,
      author,
      reason: reason ?? '',
      ...(expectedVersion === undefined ? {} : { expectedVersion }),
      ...(confirmDiscardAll === undefined ? {} : { confirmDiscardAll }),
    });
  }

  /** Replaces all routes by those of a file, or, dry, tells what that would do (R192, R193). */
  async importRoutes(
    octets: Uint8Array,
    request: ChangeRequest & { readonly isDry?: boolean; readonly format?: FileFormat },
  ): Promise<ImportOutcome> {
    const format = request.format ?? 'smtproutes';
    const read = await readFile(octets, format, this.rules);
    const { state } = this;
    const { version } = state;
    const nothing = {
      version,
      operations: [],
      warnings: [],
      differences: [],
      added: 0,
      removed: 0,
      changed: 0,
      unchanged: 0,
    };
    if (read.kind === 'faults') return { ...nothing, faults: read.faults };
    const replacement = replaceRoutes(state, read.routes, format === 'smtproutes' ? state.mode : 'dotted');
    const { operations } = replacement;
    const { faults, warnings: found } = this.validate(operations);
    const warnings = [...replacement.warnings, ...found];
    if (faults.length > 0) return { ...replacement, version, faults, warnings };
    if (request.isDry === true) {
      const conflict = await this.conflictOf(operations, request.expectedVersion);
      if (conflict !== undefined) return { ...replacement, version, faults, warnings, outcome: conflict };
      const { waiting } = await this.preview(operations);
      return { ...replacement, version, faults, warnings, ...(waiting === undefined ? {} : { waiting }) };
    }
    if (operations.length === 0) {
      return {
        ...replacement,
        version,
        faults,
        warnings,
        outcome: { kind: 'committed', version, hash: state.hash, wasCommitted: true },
      };
    }
    const outcome = await this.commit(operations, request);
    return {
      ...replacement,
      version: outcome.version,
      faults: outcome.kind === 'refused' ? outcome.faults : [],
      warnings,
      outcome,
    };
  }

  /** Prints the routes of a version as a file (R194). @param by the tool and its version */
  async exportRoutes(version: number, by: string): Promise<string> {
    const routes = Array.from(itemsOf(await this.at(version), 'routes'), ({ item }) => item);
    return printRouteFile(routes, by, new Date(this.#options.now()).toISOString());
  }

  /** Why operations made on an older version would be refused; undefined when they would not. */
  async conflictOf(
    operations: readonly Operation[],
    expectedVersion: number | undefined,
  ): Promise<CommitOutcome | undefined> {
    return expectedVersion === undefined ? undefined : this.#committer.conflictOf(operations, expectedVersion);
  }

  /** What a rollback to a version would do. @throws MtaError `VERSION_NOT_FOUND` */
  async rollbackOperations(toVersion: number): Promise<readonly Operation[]> {
    return operationsBetween(this.state, await this.at(toVersion));
  }

  /** Commits what makes the configuration say again what a version said. */
  async rollback(toVersion: number, request: ChangeRequest): Promise<CommitOutcome> {
    const { state } = this;
    const target = await this.at(toVersion);
    const operations = operationsBetween(state, target);
    const reason = request.reason ?? `roll back to version ${toVersion}`;
    return this.commit(operations, { ...request, reason, expectedVersion: request.expectedVersion ?? state.version });
  }

  /** Change sets, newest first. */
  async history({ limit, before, section, key }: HistoryQuery): Promise<readonly Committed[]> {
    const newest = this.state.version;
    const found: Committed[] = [];
    let below = before ?? Infinity;
    while (below > 1 && found.length < limit) {
      const from = Math.max(1, Math.min(below, newest + 1) - Math.max(limit, 100));
      const piece: Committed[] = [];
      for await (const logged of this.#options.log.read(from)) {
        if (logged.version >= below) break;
        const committed = readCommitted(logged);
        // Beyond what is followed there is only what stands in the way of following.
        if (logged.version > newest && !committed.isUnreadable) continue;
        // What cannot be read may have touched anything.
        if (section === undefined || committed.isUnreadable || touches(committed.changeSet, section, key))
          piece.push(committed);
      }
      found.push(...piece.reverse());
      below = from;
    }
    return found.slice(0, limit);
  }

  /** The change set with an id. */
  async find(id: string): Promise<Committed | undefined> {
    const logged = await this.#options.log.find(id);
    return logged === undefined ? undefined : readCommitted(logged);
  }

  /** The change set of a version. */
  async changeSet(version: number): Promise<Committed | undefined> {
    for await (const logged of this.#options.log.read(version))
      return logged.version === version ? readCommitted(logged) : undefined;
    return undefined;
  }

  /** Tells why the mail of a recipient domain goes where it goes (R40). Sends nothing. */
  async explain(domain: Domain | AddressLiteral, moment?: Moment): Promise<Explanation> {
    const state = await this.#stateOf(moment);
    const table = routeTableOf(state);
    const decision = table.lookup(domain);
    const explained = (await this.#options.explainHosts?.(domain, decision, {
      controls: Array.from(itemsOf(state, 'destinationControls'), ({ item }) => item),
      profiles: Array.from(itemsOf(state, 'bounceProfiles'), ({ item }) => item),
    })) ?? { hosts: [] };
    return { state, domain, decision, candidates: table.candidates(domain), ...explained };
  }

  async #stateOf(moment: Moment | undefined): Promise<ConfigurationState> {
    if (moment === undefined) return this.state;
    if ('draft' in moment) return applyOperations(this.state, moment.draft);
    return this.at('version' in moment ? moment.version : await this.#past.versionAt(moment.at));
  }

  /** Reads the whole log, checks its chain of hashes, its snapshot, and what is served against it. */
  async verify(): Promise<Verification> {
    const { log, lineage, follower } = this.#options;
    await follower.catchUp();
    return verifyLog(log, lineage, follower.served?.state);
  }
}

function touches({ operations }: ChangeSet, section: SectionName, key: string | undefined): boolean {
  const touched = touchedBy(operations);
  if (key !== undefined) return touched.has(`${section} ${key}`) || touched.has(`${section} *`);
  return [...touched].some((one) => one.startsWith(`${section} `));
}

/**
 * Writes a lineage and the first change set into an empty log: a table that routes nothing and takes no mail. A log that
 * got its lineage and then no change set, because the process ended in between, is brought to an end.
 *
 * @returns false when the log has change sets of this lineage already
 * @throws MtaError `CONFIGURATION_FOREIGN` when it is of another lineage
 */
export async function initialiseConfiguration(
  log: ConfigurationLog,
  lineage: string,
  author: string,
  now: number,
): Promise<boolean> {
  const found = await log.lineage();
  if (found !== undefined && found !== lineage) {
    throw new MtaError('CONFIGURATION_FOREIGN', `the configuration log is of lineage ${found}, not ${lineage}`);
  }
  if (found === undefined) await log.initialise(lineage);
  const first: ChangeSet = {
    id: randomUUID(),
    lineage,
    version: 1,
    previousHash: '',
    author,
    reason: 'initialise',
    at: now,
    operations: [],
  };
  const { kind } = await log.commit({ id: first.id, lineage, version: 1, payload: encodeChangeSet(first) });
  return kind === 'committed';
}
