/**
 * The configuration of this process: folded from the configuration log, followed as it grows, asked by ingress and
 * delivery, and the one way to commit.
 */
import { createHash } from 'node:crypto';
import { MailPolicyTable, RecipientAccessTable } from '@mailyard/access';
import {
  type ChangeSet,
  ConfigurationFold,
  type ConfigurationLog,
  type ConfigurationState,
  findChainBreak,
  initialState,
  isSameSection,
  itemsOf,
  type Operation,
  routeTableOf,
  validateOperations,
} from '@mailyard/configuration';
import { decodeChangeSet, encodeChangeSet } from '@mailyard/contracts';
import { type AddressLiteral, type Domain, isMtaError, MtaError } from '@mailyard/mail';
import type { RouteDecision, RouteLookup, RouteRules, RouteTable } from '@mailyard/smtp-routes';

/** What ingress decides by, as of one version. */
export interface AccessTables {
  readonly recipients: RecipientAccessTable;
  readonly policies: MailPolicyTable;
}

/** Who commits, and why: it stands in the change set. */
export interface Authorship {
  readonly author: string;
  readonly reason: string;
  readonly at: number;
  /** The same id again is the same change. */
  readonly id: string;
}

type ChangeListener = (version: number, concerns: (domain: Domain | AddressLiteral) => boolean) => void;

const hashOf = (octets: Uint8Array): string => createHash('sha256').update(octets).digest('hex');

export class LiveConfiguration implements RouteLookup {
  readonly #log: ConfigurationLog;
  readonly #rules: RouteRules;
  readonly #alarm: (detail: string) => void;
  readonly #listeners: ChangeListener[] = [];
  #state: ConfigurationState;
  #table: RouteTable;
  #access: AccessTables | undefined;
  #reading: Promise<void> = Promise.resolve();
  #broken = false;
  #unwatch: () => void = () => undefined;

  private constructor(log: ConfigurationLog, lineage: string, rules: RouteRules, alarm: (detail: string) => void) {
    this.#log = log;
    this.#rules = rules;
    this.#alarm = alarm;
    this.#state = initialState(lineage);
    this.#table = routeTableOf(this.#state);
  }

  /**
   * Folds what the log has and follows it.
   *
   * @param alarm told when the log's history is not a chain: the last good table is served on
   * @throws MtaError `CONFIGURATION_FOREIGN` when the log has another lineage, or none
   */
  static async open(
    log: ConfigurationLog,
    lineage: string,
    rules: RouteRules,
    alarm: (detail: string) => void,
  ): Promise<LiveConfiguration> {
    const found = await log.lineage();
    if (found !== lineage)
      throw new MtaError(
        'CONFIGURATION_FOREIGN',
        `the configuration log has the lineage ${found ?? 'of none'}, not ${lineage}`,
      );
    const live = new LiveConfiguration(log, lineage, rules, alarm);
    await live.#readOn();
    live.#unwatch = log.watch(() => void live.#readOn());
    return live;
  }

  get state(): ConfigurationState {
    return this.#state;
  }

  get version(): number {
    return this.#state.version;
  }

  peek(domain: Domain | AddressLiteral): RouteDecision | undefined {
    return this.#state.version === 0 ? undefined : this.#table.lookup(domain);
  }

  lookup(domain: Domain | AddressLiteral): Promise<RouteDecision | 'unknown'> {
    return Promise.resolve(this.peek(domain) ?? 'unknown');
  }

  onChange(listener: ChangeListener): void {
    this.#listeners.push(listener);
  }

  /** The recipient access table and the policies; undefined while nothing was committed yet. */
  current(): AccessTables | undefined {
    return this.#access;
  }

  /**
   * Commits operations on the newest version.
   *
   * @returns the version that has them
   * @throws MtaError `CONFIGURATION_INVALID` with every fault in its message; what the log throws
   */
  async commit(operations: readonly Operation[], by: Authorship): Promise<number> {
    for (;;) {
      await this.#readOn();
      const faults = validateOperations(this.#state, operations, this.#rules);
      if (faults.length > 0) {
        throw new MtaError(
          'CONFIGURATION_INVALID',
          faults.map(({ code, field, message }) => `${code} ${field}: ${message}`).join('\n'),
        );
      }
      const { lineage, version, hash } = this.#state;
      const changeSet: ChangeSet = { ...by, lineage, version: version + 1, previousHash: hash, operations };
      const committed = await this.#append(changeSet);
      await this.#readOn();
      if (committed) return changeSet.version;
    }
  }

  close(): void {
    this.#unwatch();
  }

  /** False when another writer was first. An unknown outcome is found out by the id. */
  async #append(changeSet: ChangeSet): Promise<boolean> {
    const { id, lineage, version } = changeSet;
    try {
      const result = await this.#log.commit({ id, lineage, version, payload: encodeChangeSet(changeSet) });
      return result.kind === 'committed';
    } catch (error) {
      if (!isMtaError(error, 'CONFIGURATION_UNCERTAIN')) throw error;
      return (await this.#log.find(id)) !== undefined;
    }
  }

  /** One reading after the other, so that versions are taken in order and once. */
  #readOn(): Promise<void> {
    this.#reading = this.#reading.then(() => this.#read()).catch((error: unknown) => this.#alarm(String(error)));
    return this.#reading;
  }

  async #read(): Promise<void> {
    if (this.#broken) return;
    for await (const { payload } of this.#log.read(this.#state.version + 1)) {
      const changeSet = decodeChangeSet(payload);
      const broken = findChainBreak(this.#state, changeSet);
      if (broken !== undefined) {
        this.#broken = true;
        this.#alarm(`version ${changeSet.version} does not follow: ${JSON.stringify(broken)}`);
        return;
      }
      this.#take(changeSet, hashOf(payload));
    }
  }

  #take(changeSet: ChangeSet, hash: string): void {
    const before = this.#state;
    const fold = new ConfigurationFold(before);
    const { changes, mode } = fold.apply(changeSet, hash);
    this.#state = fold.finish();
    const concerned = this.#table.advance(changeSet.version, changes, mode);
    if (
      this.#access === undefined ||
      !isSameSection('rat', before, this.#state) ||
      !isSameSection('policies', before, this.#state)
    ) {
      this.#access = accessOf(this.#state);
    }
    for (const listener of this.#listeners) listener(changeSet.version, (domain) => concerned.concerns(domain));
  }
}

/** What was committed was valid then; a table that does not read now is a broken invariant, not a refusal. */
function accessOf(state: ConfigurationState): AccessTables {
  const recipients = RecipientAccessTable.read([...itemsOf(state, 'rat')].map(({ item }) => item));
  const policies = MailPolicyTable.read([...itemsOf(state, 'policies')].map(({ item }) => item));
  if (!(recipients instanceof RecipientAccessTable) || !(policies instanceof MailPolicyTable)) {
    throw new MtaError('CONFIGURATION_UNREADABLE', `version ${state.version} has an access table that cannot be read`);
  }
  return { recipients, policies };
}
