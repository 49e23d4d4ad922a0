import { applyOperations, type ConfigurationState } from '@mailyard/configuration';
import type { Draft } from './draft-store.ts';

const COMMITTED: Draft = { baseVersion: 0, operations: [] };

/** What is made of a state with a draft done to it: made once for as long as neither changes. */
export class DraftViews<T extends object> {
  readonly #make: (state: ConfigurationState, after: ConfigurationState, draft: Draft) => T;
  readonly #kept = new WeakMap<ConfigurationState, WeakMap<Draft, T>>();

  constructor(make: (state: ConfigurationState, after: ConfigurationState, draft: Draft) => T) {
    this.#make = make;
  }

  of(state: ConfigurationState, draft: Draft = COMMITTED): T {
    let byDraft = this.#kept.get(state);
    if (byDraft === undefined) {
      byDraft = new WeakMap();
      this.#kept.set(state, byDraft);
    }
    let view = byDraft.get(draft);
    if (view === undefined) {
      const after = draft.operations.length === 0 ? state : applyOperations(state, draft.operations);
      view = this.#make(state, after, draft);
      byDraft.set(draft, view);
    }
    return view;
  }
}
