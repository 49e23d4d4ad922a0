import type { SectionName } from '@mailyard/configuration';
import type { RouteChanges } from '@mailyard/smtp-routes';

/** What a version did, for those who keep answers or tables of their own. */
export interface Advance {
  readonly version: number;
  readonly hash: string;
  readonly previousHash: string;
  readonly changes: RouteChanges;
  /** Sections besides the routes that it touched. */
  readonly sections: readonly SectionName[];
  readonly at: number;
}

const VERSIONS_KEPT = 1000;
const DOMAINS_KEPT = 500_000;

/** The last versions, so that a watcher that was away for a while need not begin anew. */
export class RecentChanges {
  #advances: Advance[] = [];
  #domains = 0;

  push(advance: Advance): void {
    this.#advances.push(advance);
    this.#domains += advance.changes.receivingDomains.length;
    while (this.#advances.length > VERSIONS_KEPT || (this.#domains > DOMAINS_KEPT && this.#advances.length > 1)) {
      this.#domains -= this.#advances.shift()!.changes.receivingDomains.length;
    }
  }

  /**
   * What came after a version.
   *
   * @returns undefined when the version, with this hash, is not one that is remembered
   */
  after(version: number, hash: string): readonly Advance[] | undefined {
    const newest = this.#advances.at(-1);
    if (newest?.version === version && newest.hash === hash) return [];
    const next = this.#advances.findIndex(
      (advance) => advance.version === version + 1 && advance.previousHash === hash,
    );
    return next < 0 ? undefined : this.#advances.slice(next);
  }

  clear(): void {
    this.#advances = [];
    this.#domains = 0;
  }
}
