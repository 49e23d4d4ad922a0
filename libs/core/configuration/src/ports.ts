/** A change set as the log keeps it: opaque octets, with what the log itself compares. */
export interface LoggedChangeSet {
  /** 1, 2, 3 … without a gap. */
  readonly version: number;
  /** Chosen by whoever commits; the same id again is the same change (idempotency). */
  readonly id: string;
  readonly lineage: string;
  /** Encoded `mailyard.routing.v1.ChangeSet`. */
  readonly payload: Uint8Array;
}

export type CommitResult = { readonly kind: 'committed' } | { readonly kind: 'conflict'; readonly version: number };

/**
 * The configuration log: one stream of change sets, each committed against the version it was made on.
 *
 * Contract (testkit, `configuration-log.suite.ts`): of two writers on one version exactly one wins and the other learns
 * the version; what was answered `committed` is read by everyone, also after a restart and `kill -9`; versions have no
 * gap; a snapshot never changes what reading yields.
 */
export interface ConfigurationLog {
  /** The lineage the log was initialised with; undefined when it is empty. */
  lineage(): Promise<string | undefined>;
  /** Writes a lineage into an empty log. @throws MtaError `CONFIGURATION_EXISTS` */
  initialise(lineage: string): Promise<void>;
  /**
   * Appends `changeSet` if the newest version is `changeSet.version - 1` and the lineage is the log's.
   *
   * @throws MtaError `CONFIGURATION_UNCERTAIN` when the outcome is not known (find out by {@link find}),
   * `CONFIGURATION_AWAY` when nothing was written
   */
  commit(changeSet: LoggedChangeSet): Promise<CommitResult>;
  /** The change set with this id, if it was committed. */
  find(id: string): Promise<LoggedChangeSet | undefined>;
  /** Change sets from a version on, in order, as many as there are now. */
  read(fromVersion: number): AsyncIterable<LoggedChangeSet>;
  /** Calls back after new versions may exist; rereading is the listener's part. */
  watch(listener: () => void): () => void;
  /** The newest snapshot: encoded state as of `version`. Only ever a shortcut for folding. */
  snapshot(): Promise<{ readonly version: number; readonly payload: Uint8Array } | undefined>;
  writeSnapshot(version: number, payload: Uint8Array): Promise<void>;
  close(): Promise<void>;
}
