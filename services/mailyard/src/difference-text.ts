import { itemText, keyOf } from '@mailyard/configuration';
import { type changeSetWire, type configurationWire, readConfigurationItem, readSection } from '@mailyard/contracts';
import { printable } from '@mailyard/telemetry';

type Difference = configurationWire.Difference;
type Item = changeSetWire.Item;

const RED = '\u{1B}[31m';
const GREEN = '\u{1B}[32m';
const PLAIN = '\u{1B}[0m';
const MODES = ['', 'covering', 'dotted'] as const;

/** Differences as lines: `-` what was, `+` what is. In colour where that is wanted, and nothing else that a terminal would obey. */
export function differenceText(differences: readonly Difference[], isColoured: boolean): string {
  const lines: string[] = [];
  const put = (sign: string, colour: string, text: string): void => {
    const line = `${sign} ${printable(text)}`;
    lines.push(isColoured ? `${colour}${line}${PLAIN}` : line);
  };
  const minus = (text: string): void => put('-', RED, text);
  const plus = (text: string): void => put('+', GREEN, text);
  for (const { section, key, before, after, modeBefore, modeAfter, isReordered } of differences) {
    const name = readSection(section) ?? 'unknown';
    const label = name === 'routes' ? (key === 'ALL' ? 'ALL:' : key) : `${name} ${key}`;
    if (isReordered) {
      lines.push(`~ ${name} in another order`);
      continue;
    }
    if (modeAfter > 0) {
      minus(`mode ${MODES[modeBefore]}`);
      plus(`mode ${MODES[modeAfter]}`);
      continue;
    }
    if (before !== undefined) minus(`${label}  ${itemTextOf(before, after)}`.trimEnd());
    if (after !== undefined) plus(`${label}  ${itemTextOf(after, before)}`.trimEnd());
  }
  return lines.map((line) => `${line}\n`).join('');
}

/** A difference for programs. */
export function plainDifference({
  section,
  key,
  before,
  after,
  modeBefore,
  modeAfter,
  isReordered,
}: Difference): unknown {
  if (isReordered) return { section: readSection(section), isReordered };
  if (modeAfter > 0) return { section: 'mode', before: MODES[modeBefore], after: MODES[modeAfter] };
  return { section: readSection(section), key, before: plainItem(before), after: plainItem(after) };
}

function plainItem(whole: Item | undefined): unknown {
  if (whole === undefined) return undefined;
  // Some of it stands as numbers on the wire.
  return whole.item?.$case === 'destinationControl' ? readConfigurationItem(whole)?.item : whole.item?.value;
}

const LATER = 'of a later release';

function itemTextOf(whole: Item, beside: Item | undefined): string {
  const [read, other] = [readConfigurationItem(whole), beside && readConfigurationItem(beside)];
  return read === undefined ? LATER : itemText(read.section, read.item, other?.item);
}

/** A set item: its section, its key, what it says. */
function setText(whole: Item): string {
  const read = readConfigurationItem(whole);
  if (read === undefined) return `an item ${LATER}`;
  const said = `${keyOf(read.section, read.item)} ${itemText(read.section, read.item)}`.trimEnd();
  return read.section === 'routes' ? said : `${read.section} ${said}`;
}

/** One operation of a change set, in a line. */
export function operationText({ operation }: changeSetWire.Operation): string {
  switch (operation?.$case) {
    case 'set':
      return `set ${setText(operation.value.item ?? { item: undefined })}`;
    case 'remove':
      return `remove ${readSection(operation.value.section)} ${operation.value.key}`;
    case 'replace':
      return `replace all ${readSection(operation.value.section)} by ${operation.value.items.length}`;
    case 'setMatchingMode':
      return `mode ${MODES[operation.value.mode]}`;
    default:
      return 'an operation of a later release';
  }
}
