/**
 * The alias table, the domain map and the global unsubscribe list as text: in the grammar of AsyncOS (`aliasconfig`, `domainmap`), and Postfix's
 * virtual alias table, for those who come from there. All of a file or nothing: what cannot be taken over is told with its
 * line, so that nobody's mail changes its way in silence.
 */
import { parseDomain } from '@mailyard/mail';
import { type AccessFault, accessFault } from './access-fault.ts';
import { type AliasRow, aliasKey, AliasTable } from './alias-table.ts';
import { DomainMap, type DomainMapRow, domainMapKey } from './domain-map.ts';
import { GlobalUnsubscribe, type UnsubscribedRow, unsubscribedKey } from './global-unsubscribe.ts';
import type { ReadRows } from './read-rows.ts';

interface Line {
  readonly line: number;
  readonly text: string;
}

type Lined<Row> = { readonly row: Row; readonly line: number };

/**
 * Reads an alias table as AsyncOS exports it: `# comment`, `[example.com, .example.org]` before the aliases of these
 * domains, `alias, alias: recipient, recipient`. An entry whose line ends in a comma goes on in the next.
 */
export function readAliasFile(text: string): ReadRows<AliasRow> {
  const faults: AccessFault[] = [];
  const rows: Lined<AliasRow>[] = [];
  let domains: readonly string[] = [];
  for (const { line, text: entry } of joinedLines(text)) {
    const complain = (token: string, message: string): void => {
      faults.push({ ...accessFault('ITEM_INVALID', 'file', token, message), line });
    };
    if (entry.startsWith('[')) {
      domains = entry.endsWith(']') ? splitList(entry.slice(1, -1)) : [];
      if (domains.length === 0) complain(entry, 'is no list of domains in brackets');
      for (const domain of domains)
        if (parseDomain(domain.replace(/^\./, '')) === undefined) complain(domain, 'is no domain');
      continue;
    }
    const colon = unquoted(entry, ':');
    const names = colon < 0 ? [] : splitList(entry.slice(0, colon));
    if (names.length === 0) complain(entry, 'is no alias: recipient, recipient');
    const to = splitList(entry.slice(colon + 1)).map((target) =>
      /^\/dev\/null$/i.test(target) ? '/dev/null' : target,
    );
    for (const name of names) {
      if (name.includes('@')) rows.push({ row: { alias: name, to }, line });
      else if (domains.length === 0) complain(name, 'needs its domain: name@domain, or [domain] in a line above');
      else for (const domain of domains) rows.push({ row: { alias: `${name}@${domain}`, to }, line });
    }
  }
  return finish(rows, faults, ({ alias }) => aliasKey(alias), AliasTable);
}

/**
 * Reads a virtual alias table of Postfix (its source, not the compiled one): `address address, address`, lines that begin
 * with a blank going on. Whole addresses come first there, then whole domains, whatever their order in the file.
 */
export function readVirtualAliases(text: string): ReadRows<AliasRow> {
  const faults: AccessFault[] = [];
  const rows: Lined<AliasRow>[] = [];
  for (const { line, text: entry } of postfixLines(text)) {
    const complain = (token: string, message: string): void => {
      faults.push({ ...accessFault('ITEM_INVALID', 'file', token, message), line });
    };
    const [alias = '', ...rest] = entry.split(/[ \t]+/);
    const to = splitList(rest.join(' ').replaceAll(' ', ','));
    if (!alias.includes('@')) {
      complain(
        alias,
        'has no domain: say for which domain it is, name@domain; a line for a domain alone goes into rat',
      );
      continue;
    }
    const same = to.find((target) => target.startsWith('@'));
    const local = to.find((target) => !target.includes('@'));
    if (same !== undefined) complain(same, 'keeps the user at another domain: that is a row of the domain map');
    else if (local !== undefined) complain(local, 'has no domain: Postfix adds its own, say which');
    else rows.push({ row: { alias, to }, line });
  }
  const isWhole = ({ row }: Lined<AliasRow>): boolean => row.alias.startsWith('@');
  return finish(
    [...rows.filter((row) => !isWhole(row)), ...rows.filter(isWhole)],
    faults,
    ({ alias }) => aliasKey(alias),
    AliasTable,
  );
}

/** Reads a domain map: `@.old.example @new.example`, one row a line; an arrow or a colon between the two may stand. */
export function readDomainMapFile(text: string): ReadRows<DomainMapRow> {
  const faults: AccessFault[] = [];
  const rows: Lined<DomainMapRow>[] = [];
  for (const { line, text: entry } of plainLines(text)) {
    const [from = '', to = '', ...rest] = entry.split(/[ \t]+(?:-->?[ \t]+)?|:[ \t]+/).filter((word) => word !== '');
    if (to === '' || rest.length > 0)
      faults.push({ ...accessFault('ITEM_INVALID', 'file', entry, 'is no pair of addresses or domains'), line });
    else rows.push({ row: { from, to }, line });
  }
  return finish(rows, faults, ({ from }) => domainMapKey(from), DomainMap);
}

/** Reads a global unsubscribe list: a recipient a line, as AsyncOS has it; `drop` or `bounce` may stand behind it. */
export function readUnsubscribedFile(text: string): ReadRows<UnsubscribedRow> {
  const faults: AccessFault[] = [];
  const rows: Lined<UnsubscribedRow>[] = [];
  for (const { line, text: entry } of plainLines(text)) {
    const [recipient = '', action = 'drop', ...rest] = entry.split(/[ \t]+/);
    if ((action === 'drop' || action === 'bounce') && rest.length === 0)
      rows.push({ row: { recipient, action }, line });
    else faults.push({ ...accessFault('ITEM_INVALID', 'file', entry, 'is no recipient with drop or bounce'), line });
  }
  return finish(rows, faults, ({ recipient }) => unsubscribedKey(recipient), GlobalUnsubscribe);
}

/** Prints a global unsubscribe list; what it prints reads as the same list. */
export function printUnsubscribedFile(rows: readonly UnsubscribedRow[]): string {
  return rows.map(({ recipient, action }) => `${recipient}${action === 'drop' ? '' : ` ${action}`}\n`).join('');
}

/** Prints an alias table; what it prints reads as the same table. */
export function printAliasFile(rows: readonly AliasRow[]): string {
  return rows.map(({ alias, to }) => `${alias}: ${to.join(', ')}\n`).join('');
}

/** Prints a domain map; what it prints reads as the same map. */
export function printDomainMapFile(rows: readonly DomainMapRow[]): string {
  return rows.map(({ from, to }) => `${from} ${to}\n`).join('');
}

/** Looks at the rows together; a fault of a row gets the line of the row. */
function finish<Row>(
  lined: readonly Lined<Row>[],
  faults: AccessFault[],
  keyOf: (row: Row) => string | undefined,
  table: { read(rows: readonly Row[]): object | readonly AccessFault[] },
): ReadRows<Row> {
  const seen = new Map<string, number>();
  for (const { row, line } of lined) {
    const key = keyOf(row);
    const earlier = key === undefined ? undefined : seen.get(key);
    if (earlier !== undefined)
      faults.push({ ...accessFault('ITEM_INVALID', 'file', key!, `stands in line ${earlier} already`), line });
    else if (key !== undefined) seen.set(key, line);
  }
  const rows = lined.map(({ row }) => row);
  const read = table.read(rows);
  if (Array.isArray(read))
    for (const fault of read as AccessFault[]) {
      const line = lined[Number(/\[(\d+)\]/.exec(fault.field)?.[1])]?.line;
      faults.push(line === undefined ? fault : { ...fault, line });
    }
  if (faults.length === 0) return { kind: 'read', rows };
  return { kind: 'faults', faults: faults.toSorted((a, b) => (a.line ?? 0) - (b.line ?? 0)) };
}

function* plainLines(text: string): Iterable<Line> {
  for (const [index, raw] of text
    .replace(/^\u{feff}/u, '')
    .split(/\r?\n/)
    .entries()) {
    const line = raw.trim();
    if (line !== '' && !line.startsWith('#')) yield { line: index + 1, text: line };
  }
}

/** With the lines behind a line that ends in a comma. */
function* joinedLines(text: string): Iterable<Line> {
  let open: Line | undefined;
  for (const { line, text: piece } of plainLines(text)) {
    const whole: Line = open === undefined ? { line, text: piece } : { line: open.line, text: `${open.text} ${piece}` };
    open = whole.text.endsWith(',') ? whole : undefined;
    if (open === undefined) yield whole;
  }
  if (open !== undefined) yield open;
}

/** With the lines behind that begin with a blank. */
function* postfixLines(text: string): Iterable<Line> {
  let open: Line | undefined;
  for (const [index, raw] of text.split(/\r?\n/).entries()) {
    if (/^[ \t]*(?:#|$)/.test(raw)) continue;
    if (/^[ \t]/.test(raw) && open !== undefined) {
      open = { line: open.line, text: `${open.text} ${raw.trim()}` };
      continue;
    }
    if (open !== undefined) yield open;
    open = { line: index + 1, text: raw.trim() };
  }
  if (open !== undefined) yield open;
}

/** The members of a list with commas; quotes hide what stands between them. */
function splitList(text: string): string[] {
  const parts: string[] = [];
  let rest = text;
  for (let comma = unquoted(rest, ','); comma >= 0; comma = unquoted(rest, ',')) {
    parts.push(rest.slice(0, comma));
    rest = rest.slice(comma + 1);
  }
  return [...parts, rest].map((part) => part.trim()).filter((part) => part !== '');
}

/** The place of a character that stands outside quotes; -1 for none. Colons of an IPv6 literal are not meant either. */
function unquoted(text: string, wanted: string): number {
  let isQuoted = false;
  let isLiteral = false;
  for (let i = 0; i < text.length; i++) {
    const char = text[i];
    if (char === '\\' && isQuoted) i++;
    else if (char === '"') isQuoted = !isQuoted;
    else if (char === '[' && !isQuoted) isLiteral = true;
    else if (char === ']') isLiteral = false;
    else if (char === wanted && !isQuoted && !isLiteral) return i;
  }
  return -1;
}
