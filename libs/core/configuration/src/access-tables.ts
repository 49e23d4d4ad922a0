import {
  type AccessFault,
  type MailPolicy,
  MailPolicyTable,
  type RecipientAccessEntry,
  RecipientAccessTable,
} from '@mailyard/access';
import { MtaError } from '@mailyard/mail';
import { type ConfigurationState, itemsOf } from './state.ts';

/** The parts of the configuration by which mail is taken, ready to be asked. */
export interface AccessTables {
  readonly version: number;
  readonly recipients: RecipientAccessTable;
  readonly policies: MailPolicyTable;
}

/** Builds the tables of a state. @throws MtaError `CONFIGURATION_INVALID` when its rows are not in order */
export function accessTablesOf(state: ConfigurationState): AccessTables {
  const entries = Array.from(itemsOf(state, 'rat'), ({ item }) => item);
  const policies = Array.from(itemsOf(state, 'policies'), ({ item }) => item);
  return readAccessTables(state.version, entries, policies);
}

/** Builds the tables of rows that were validated before. @throws MtaError `CONFIGURATION_INVALID` when they are not in order */
export function readAccessTables(
  version: number,
  entries: readonly RecipientAccessEntry[],
  policies: readonly MailPolicy[],
): AccessTables {
  const recipients = RecipientAccessTable.read(entries);
  if (!(recipients instanceof RecipientAccessTable)) throw invalid(version, recipients);
  const table = MailPolicyTable.read(policies);
  if (!(table instanceof MailPolicyTable)) throw invalid(version, table);
  return { version, recipients, policies: table };
}

function invalid(version: number, [fault]: readonly AccessFault[]): MtaError {
  return new MtaError(
    'CONFIGURATION_INVALID',
    `version ${version}: ${fault?.field} ${JSON.stringify(fault?.token)} ${fault?.message}`,
  );
}
