import type { ChangeSet, LoggedChangeSet } from '@mailyard/configuration';
import { decodeChangeSet } from '@mailyard/contracts';
import { isMtaError } from '@mailyard/mail';
import { hashChangeSet } from './hash.ts';

/** A change set of the log and its hash. */
export interface Committed {
  readonly changeSet: ChangeSet;
  readonly hash: string;
  /** Only version and id are known of it: it stands in the log all the same, and whoever reads on must see it. */
  readonly isUnreadable: boolean;
}

/** Reads an entry of the log; one that cannot be read is shown as such, with what is wrong as its reason. */
export function readCommitted({ payload, version, id, lineage }: LoggedChangeSet): Committed {
  const hash = hashChangeSet(payload);
  try {
    return { changeSet: decodeChangeSet(payload), hash, isUnreadable: false };
  } catch (error) {
    if (!isMtaError(error, 'CHANGE_SET_UNREADABLE')) throw error;
    const reason = `cannot be read: ${error.message}`;
    const changeSet = { id, lineage, version, previousHash: '', author: '', reason, at: 0, operations: [] };
    return { changeSet, hash, isUnreadable: true };
  }
}
