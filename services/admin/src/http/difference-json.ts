/** Differences of the configuration, the two sides as people read them. */
import {
  type ConfigurationState,
  type Difference,
  differences,
  itemText,
  reorderedSections,
  type SectionName,
} from '@mailyard/configuration';

export interface DifferenceJson {
  readonly section: string;
  readonly key: string;
  readonly before?: string;
  readonly after?: string;
  readonly isReordered?: boolean;
}

/** At most so many are told at once; the count is of all. */
export const DIFFERENCES_TOLD = 1_000;

export const SECTION_WORDS: { readonly [S in SectionName]: string } = {
  routes: 'routes',
  rat: 'recipientAccess',
  policies: 'mailPolicies',
  authProfiles: 'authProfiles',
  destinationControls: 'destinationControls',
  bounceProfiles: 'bounceProfiles',
  hat: 'hostAccess',
  mailFlowPolicies: 'mailFlowPolicies',
  outgoingPolicies: 'outgoingMailPolicies',
  virtualGateways: 'virtualGateways',
  domainMap: 'domainMap',
  aliases: 'aliases',
  bounceKeys: 'bounceKeys',
  globalUnsubscribe: 'globalUnsubscribe',
  suspensions: 'suspensions',
  dkimProfiles: 'dkimProfiles',
};

export function writeDifference({ section, key, before, after }: Difference): DifferenceJson {
  return {
    section: SECTION_WORDS[section],
    key,
    ...(before === undefined ? {} : { before: itemText(section, before, after) }),
    ...(after === undefined ? {} : { after: itemText(section, after, before) }),
  };
}

/** All differences of two states: items, their order, the mode of matching. The first of them, and how many there are. */
export function writeDifferences(
  from: ConfigurationState,
  to: ConfigurationState,
): { readonly differences: readonly DifferenceJson[]; readonly differenceCount: number } {
  const told: DifferenceJson[] = [];
  let differenceCount = 0;
  const tell = (write: () => DifferenceJson): void => {
    differenceCount += 1;
    if (told.length < DIFFERENCES_TOLD) told.push(write());
  };
  if (from.mode !== to.mode) tell(() => ({ section: 'matchingMode', key: '', before: from.mode, after: to.mode }));
  for (const difference of differences(from, to)) tell(() => writeDifference(difference));
  for (const section of reorderedSections(from, to))
    tell(() => ({ section: SECTION_WORDS[section], key: '', isReordered: true }));
  return { differences: told, differenceCount };
}
