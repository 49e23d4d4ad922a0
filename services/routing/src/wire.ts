/** What the two services of mailyard.routing.v1 say, made from what the core knows. */
import { status } from '@grpc/grpc-js';
import {
  type ConfigurationFault,
  type ConfigurationState,
  type Difference,
  differences,
  type Operation,
  reorderedSections,
  type SectionName,
  type Sections,
} from '@mailyard/configuration';
import {
  type changeSetWire,
  type configurationWire,
  readOperations,
  type routingWire,
  writeItem,
  writeMode,
  writeSection,
} from '@mailyard/contracts';
import { type Call, CallRefusal, refuseFaults } from '@mailyard/grpc';
import type { RouteRules } from '@mailyard/smtp-routes';
import type { Committed } from './committed.ts';
import type { CommitOutcome } from './commit.ts';

export function writeFault({ code, message, token, field, line }: ConfigurationFault): changeSetWire.Fault {
  return { code, message, token, field, line };
}

export function writeSummary({ changeSet, hash, isUnreadable }: Committed): routingWire.ChangeSummary {
  const { version, id, author, reason, at, operations } = changeSet;
  return { version, id, author, reason, committedAt: at, hash, operationCount: operations.length, isUnreadable };
}

const NO_DIFFERENCE: configurationWire.Difference = {
  section: 0,
  key: '',
  before: undefined,
  after: undefined,
  modeBefore: 0,
  modeAfter: 0,
  isReordered: false,
};

export function writeDifference({ section, key, before, after }: Difference): configurationWire.Difference {
  const write = (item: Sections[SectionName] | undefined) =>
    item === undefined ? undefined : writeItem(section, item);
  return { ...NO_DIFFERENCE, section: writeSection(section), key, before: write(before), after: write(after) };
}

/** All differences between two states: items, their order, the mode of matching. */
export function writeDifferences(from: ConfigurationState, to: ConfigurationState): configurationWire.Difference[] {
  const written = Array.from(differences(from, to), writeDifference);
  for (const section of reorderedSections(from, to)) {
    written.push({ ...NO_DIFFERENCE, section: writeSection(section), isReordered: true });
  }
  if (from.mode !== to.mode)
    written.push({ ...NO_DIFFERENCE, section: 1, modeBefore: writeMode(from.mode), modeAfter: writeMode(to.mode) });
  return written;
}

/** @throws CallRefusal INVALID_ARGUMENT with a violation for each fault */
export function demandOperations(operations: readonly changeSetWire.Operation[], rules: RouteRules): Operation[] {
  const faults: ConfigurationFault[] = [];
  const read = readOperations(operations, rules, faults);
  if (faults.length > 0) throw refuseFaults(faults);
  return read;
}

/** @throws CallRefusal for every outcome but a commit */
export function demandCommitted(outcome: CommitOutcome): Extract<CommitOutcome, { kind: 'committed' }> {
  switch (outcome.kind) {
    case 'committed':
      return outcome;
    case 'refused':
      throw refuseFaults(outcome.faults);
    case 'conflict': {
      const keys = outcome.differences.slice(0, 20).map(({ section, key }) => `${section} ${key}`);
      const metadata = { currentVersion: String(outcome.version), differences: keys.join(', ') };
      throw new CallRefusal(
        status.ABORTED,
        keys.length === 0
          ? `version ${outcome.version} is the newest; the change was made on another that is not known here`
          : `version ${outcome.version} is the newest and changed the same: ${keys.join(', ')}`,
        {
          reason: 'VERSION_CONFLICT',
          metadata,
        },
      );
    }
    case 'unconfirmed':
      throw new CallRefusal(
        status.FAILED_PRECONDITION,
        'ALL /dev/null drops the mail of every domain without an entry; confirm it',
        {
          reason: 'CONFIRMATION_REQUIRED',
        },
      );
  }
}

/** Who did it: the name that the call was authenticated with, and whom the caller says it acts for. */
export function authorOf(call: Call, said: string): string {
  const { name } = call.caller;
  if (said === '' || said === name) return name;
  return name === 'local' ? said : `${said} (${name})`;
}
