import { MtaError } from '@mailyard/mail';
import type { CommitResult, ConfigurationLog, LoggedChangeSet } from '@mailyard/configuration';

/** The configuration log in memory, for tests. */
export class MemoryConfigurationLog implements ConfigurationLog {
  #lineage: string | undefined;
  readonly #changeSets: LoggedChangeSet[] = [];
  readonly #listeners = new Set<() => void>();
  #snapshot: { readonly version: number; readonly payload: Uint8Array } | undefined;
  /** Set it, and the next commit fails so; `landed` says whether it was written all the same. */
  fault: { readonly code: 'CONFIGURATION_UNCERTAIN' | 'CONFIGURATION_AWAY'; readonly landed: boolean } | undefined;

  async lineage(): Promise<string | undefined> {
    return this.#lineage;
  }

  async initialise(lineage: string): Promise<void> {
    if (this.#lineage !== undefined)
      throw new MtaError('CONFIGURATION_EXISTS', `the log belongs to lineage ${this.#lineage}`);
    this.#lineage = lineage;
    this.#tell();
  }

  async commit(changeSet: LoggedChangeSet): Promise<CommitResult> {
    const { fault } = this;
    this.fault = undefined;
    if (fault !== undefined && !fault.landed) throw new MtaError(fault.code, 'as the test asked');
    const known = this.#changeSets.find(({ id }) => id === changeSet.id);
    const version = this.#changeSets.length;
    if (known?.version === changeSet.version) return { kind: 'committed' };
    if (known !== undefined || changeSet.version !== version + 1 || changeSet.lineage !== this.#lineage)
      return { kind: 'conflict', version };
    this.#changeSets.push(changeSet);
    this.#tell();
    if (fault !== undefined) throw new MtaError(fault.code, 'as the test asked');
    return { kind: 'committed' };
  }

  async find(id: string): Promise<LoggedChangeSet | undefined> {
    return this.#changeSets.find((changeSet) => changeSet.id === id);
  }

  async *read(fromVersion: number): AsyncGenerator<LoggedChangeSet> {
    yield* this.#changeSets.slice(Math.max(0, fromVersion - 1));
  }

  watch(listener: () => void): () => void {
    // A listener of its own for each call, so that one function may watch twice.
    const own = (): void => listener();
    this.#listeners.add(own);
    return () => this.#listeners.delete(own);
  }

  async snapshot(): Promise<{ readonly version: number; readonly payload: Uint8Array } | undefined> {
    return this.#snapshot;
  }

  async writeSnapshot(version: number, payload: Uint8Array): Promise<void> {
    if (this.#snapshot === undefined || version > this.#snapshot.version) this.#snapshot = { version, payload };
  }

  async close(): Promise<void> {
    this.#listeners.clear();
  }

  #tell(): void {
    for (const listener of this.#listeners) queueMicrotask(listener);
  }
}
