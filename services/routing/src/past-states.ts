import {
  ConfigurationFold,
  type ConfigurationLog,
  type ConfigurationState,
  initialState,
} from '@mailyard/configuration';
import { decodeChangeSet, decodeSnapshot } from '@mailyard/contracts';
import { MtaError } from '@mailyard/mail';
import { readCommitted } from './committed.ts';
import { hashChangeSet } from './hash.ts';

const KEPT = 4;

/** The configuration as it was at any version. */
export class PastStates {
  readonly #log: ConfigurationLog;
  readonly #lineage: string;
  readonly #kept = new Map<string, ConfigurationState>();

  constructor(log: ConfigurationLog, lineage: string) {
    this.#log = log;
    this.#lineage = lineage;
  }

  /**
   * @param now the newest state, which need not be read
   * @throws MtaError `VERSION_NOT_FOUND`
   */
  async at(version: number, now: ConfigurationState): Promise<ConfigurationState> {
    if (version === 0 || version === now.version) return now;
    if (version > now.version || version < 0)
      throw new MtaError('VERSION_NOT_FOUND', `there is no version ${version}; the newest is ${now.version}`);
    const key = `${now.hash} ${version}`;
    const known = this.#kept.get(key);
    if (known !== undefined) return known;
    const state = await this.#fold(version);
    this.#kept.set(key, state);
    if (this.#kept.size > KEPT) this.#kept.delete(this.#kept.keys().next().value!);
    return state;
  }

  async #fold(version: number): Promise<ConfigurationState> {
    const snapshot = await this.#log.snapshot();
    const shortcut =
      snapshot === undefined || snapshot.version > version ? undefined : decodeSnapshot(snapshot.payload);
    const start = shortcut?.lineage === this.#lineage ? shortcut : initialState(this.#lineage);
    const fold = new ConfigurationFold(start);
    if (start.version < version) {
      for await (const { payload, version: read } of this.#log.read(start.version + 1)) {
        fold.apply(decodeChangeSet(payload), hashChangeSet(payload));
        if (read >= version) break;
      }
    }
    return fold.finish();
  }

  /**
   * The version that was the newest at a time.
   *
   * @param at UTC milliseconds
   * @throws MtaError `VERSION_NOT_FOUND` when the configuration is younger
   */
  async versionAt(at: number): Promise<number> {
    let version = 0;
    for await (const logged of this.#log.read(1)) {
      const { changeSet, isUnreadable } = readCommitted(logged);
      // When it was committed is not known: what stands on both sides of it says enough.
      if (!isUnreadable && changeSet.at > at) break;
      version = logged.version;
    }
    if (version === 0)
      throw new MtaError('VERSION_NOT_FOUND', `there was no configuration at ${new Date(at).toISOString()}`);
    return version;
  }
}
