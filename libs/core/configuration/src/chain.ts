import type { ChangeSet } from './change-set.ts';
import type { ConfigurationState } from './state.ts';

/** Hash of a change set as the log has it, in lower-case hexadecimal. Given by the shell. */
export type HashFunction = (octets: Uint8Array) => string;

/** Why a change set that the log gave does not follow the state. */
export type ChainBreak =
  | { readonly kind: 'foreignLineage'; readonly lineage: string }
  | { readonly kind: 'gap'; readonly version: number }
  | { readonly kind: 'forged'; readonly version: number };

/**
 * Whether a change set is the next one of a state: same lineage, next version, and it names the hash of the one before.
 *
 * @returns undefined when it is
 */
export function findChainBreak(state: ConfigurationState, changeSet: ChangeSet): ChainBreak | undefined {
  if (changeSet.lineage !== state.lineage) return { kind: 'foreignLineage', lineage: changeSet.lineage };
  if (changeSet.version !== state.version + 1) return { kind: 'gap', version: changeSet.version };
  if (changeSet.previousHash !== state.hash) return { kind: 'forged', version: changeSet.version };
  return undefined;
}
