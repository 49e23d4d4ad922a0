import { applyOperations, type ConfigurationState, type Operation } from '@mailyard/configuration';
import { ComparedTables } from './preview.ts';

/** What nobody asked for in this time is let go: two tables may be large. */
const LET_GO_MS = 60_000;

interface Comparison {
  readonly before: ConfigurationState;
  readonly operations: readonly Operation[];
  readonly after: ConfigurationState;
  /** Made at the first use. */
  readonly tables: ComparedTables;
}

/** What some operations make of a version: kept while whoever looks at a draft asks for the same again and again. */
export class KeptComparison {
  #kept: Comparison | undefined;
  #letGo: NodeJS.Timeout | undefined;

  of(before: ConfigurationState, operations: readonly Operation[]): Comparison {
    clearTimeout(this.#letGo);
    this.#letGo = setTimeout(() => (this.#kept = undefined), LET_GO_MS).unref();
    if (this.#kept?.before !== before || this.#kept.operations !== operations) {
      const after = applyOperations(before, operations);
      let tables: ComparedTables | undefined;
      this.#kept = {
        before,
        operations,
        after,
        get tables() {
          return (tables ??= new ComparedTables(before, after));
        },
      };
    }
    return this.#kept;
  }
}
