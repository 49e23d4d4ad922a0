/**
 * The text form of a host access table (R130), as AsyncOS exports it: policies (`$NAME`, its action, parameters in
 * braces), then sender groups (`GROUP:`, its sources, its policy) and single sources, each with its action or policy.
 */
import { type AccessFault, accessFault } from './access-fault.ts';
import { type HatToken, hatTokens } from './hat-tokens.ts';
import {
  flowPolicyKey,
  HostAccessTable,
  type HostAccessRow,
  type HostRule,
  type HostSource,
  hostRowKey,
  isLastRow,
} from './host-access-table.ts';
import {
  CONNECTION_ACTIONS,
  type ConnectionAction,
  type FlowParameters,
  type MailFlowPolicy,
  orderedParameters,
} from './mail-flow-policy.ts';

/** The rows and policies of one listener. */
export interface HostAccessFile {
  readonly rows: readonly HostAccessRow[];
  readonly policies: readonly MailFlowPolicy[];
}

export type ReadHatFile =
  | { readonly kind: 'read'; readonly hat: HostAccessFile }
  /** Every fault, each with its line. */
  | { readonly kind: 'faults'; readonly faults: readonly AccessFault[] };

/** Reads the text of a table for a listener ('' = for every one without rows of its own), or tells every fault at once. */
export function readHatFile(text: string, listener: string): ReadHatFile {
  const reader = new HatReader(text, listener);
  return reader.read();
}

/** Prints a table; what it prints reads as the same table. */
export function printHatFile({ rows, policies }: HostAccessFile): string {
  const lines: string[] = [];
  for (const { name, action, parameters } of policies) lines.push(`$${name}`, ...ruleLines({ action, parameters }, ''));
  // ALL is read last, so it is written last.
  for (const row of [...rows.filter((each) => !isLastRow(each)), ...rows.filter(isLastRow)]) {
    const sources = row.sources.map(({ source, comment }) => `${source}${commentText(comment)}`);
    if (row.group !== '') lines.push(`${row.group}:`, ...sources.map((source) => `    ${source}`));
    else lines.push(...sources);
    lines.push(...ruleLines(row.rule, commentText(row.comment)));
  }
  return lines.map((line) => `${line}\n`).join('');
}

function ruleLines(rule: HostRule, comment: string): string[] {
  if ('policy' in rule) return [`    $${rule.policy}${comment}`];
  const parameters = orderedParameters(rule.parameters);
  if (parameters.length === 0) return [`    ${rule.action}${comment}`];
  return [
    `    ${rule.action} {`,
    ...parameters.map(([name, value]) => `        ${name} = "${value.replaceAll(/["\\]/g, '\\$&')}"`),
    `    }${comment}`,
  ];
}

function commentText(comment: string | undefined): string {
  return comment === undefined ? '' : ` (${comment})`;
}

/** Lines of the parts of a row or policy, by the end of the field that a fault names. */
interface Lines {
  readonly own: number;
  readonly sources: number[];
  rule: number;
  readonly parameters: Map<string, number>;
}

class HatReader {
  readonly #listener: string;
  readonly #faults: AccessFault[] = [];
  readonly #tokens: readonly HatToken[];
  readonly #rows: HostAccessRow[] = [];
  readonly #rowLines: Lines[] = [];
  readonly #policies: MailFlowPolicy[] = [];
  readonly #policyLines: Lines[] = [];
  #at = 0;

  constructor(text: string, listener: string) {
    this.#listener = listener;
    this.#tokens = hatTokens(text, (line, what) => this.#complain(line, what, 'cannot be read'));
  }

  read(): ReadHatFile {
    for (let token = this.#peek(); token !== undefined; token = this.#peek()) this.#statement(token);
    this.#findRepeated();
    const table = HostAccessTable.read(this.#rows, this.#policies);
    if (!(table instanceof HostAccessTable))
      for (const fault of table) this.#faults.push({ ...fault, line: this.#lineOf(fault.field) });
    if (this.#faults.length > 0)
      return { kind: 'faults', faults: this.#faults.toSorted((a, b) => (a.line ?? 0) - (b.line ?? 0)) };
    return { kind: 'read', hat: { rows: this.#rows, policies: this.#policies } };
  }

  #statement(token: HatToken): void {
    this.#at += 1;
    const { kind, text } = token;
    if (kind !== 'word') return this.#stray(token);
    if (text.startsWith('$')) return this.#policy(token);
    const group = /^([A-Za-z_][A-Za-z0-9_-]*):$/.exec(text)?.[1];
    if (group !== undefined && !/^all$/i.test(group)) return this.#row(group, token, []);
    const source = group ?? text;
    return this.#row('', token, [{ source, ...this.#comment() }]);
  }

  #policy(token: HatToken): void {
    const lines = linesFrom(token);
    const rule = this.#action(lines);
    if (rule === undefined) return this.#stray(this.#peek(), token);
    // What stands behind a policy's braces is for people.
    this.#comment();
    this.#policies.push({ listener: this.#listener, name: token.text.slice(1), ...rule });
    this.#policyLines.push(lines);
  }

  #row(group: string, token: HatToken, sources: HostSource[]): void {
    const lines = linesFrom(token);
    if (group === '') lines.sources.push(token.line);
    for (;;) {
      const rule = this.#policyName(lines) ?? this.#action(lines);
      if (rule !== undefined) {
        this.#rows.push({ listener: this.#listener, group, sources, rule, ...this.#comment() });
        this.#rowLines.push(lines);
        return;
      }
      const next = this.#peek();
      const isSource = next?.kind === 'word' && group !== '' && !/^[A-Za-z_][A-Za-z0-9_-]*:$/.test(next.text);
      if (!isSource) return this.#unfinished(token);
      this.#at += 1;
      sources.push({ source: next.text, ...this.#comment() });
      lines.sources.push(next.line);
    }
  }

  #policyName(lines: Lines): HostRule | undefined {
    const token = this.#peek();
    if (token?.kind !== 'word' || !token.text.startsWith('$')) return undefined;
    this.#at += 1;
    lines.rule = token.line;
    return { policy: token.text.slice(1) };
  }

  /** An action and what may stand in braces behind it. */
  #action(lines: Lines): { action: ConnectionAction; parameters: FlowParameters } | undefined {
    const token = this.#peek();
    const action = CONNECTION_ACTIONS.find((name) => token?.kind === 'word' && token.text === name);
    if (token === undefined || action === undefined) return undefined;
    this.#at += 1;
    lines.rule = token.line;
    return { action, parameters: this.#peek()?.kind === '{' ? this.#parameters(lines) : {} };
  }

  #parameters(lines: Lines): FlowParameters {
    const open = this.#peek()!;
    this.#at += 1;
    const parameters = new Map<string, string>();
    for (;;) {
      const [name, equals, value] = this.#tokens.slice(this.#at, this.#at + 3);
      if (name?.kind === '}') {
        this.#at += 1;
        return Object.fromEntries(parameters);
      }
      const isPair =
        name?.kind === 'word' && equals?.kind === '=' && (value?.kind === 'word' || value?.kind === 'string');
      if (!isPair) {
        if (name === undefined) this.#complain(open.line, '{', 'is not closed');
        else this.#complain(name.line, name.text, 'is no parameter: NAME = "VALUE", and } at the end');
        this.#passOver((token) => token.kind === '}');
        return Object.fromEntries(parameters);
      }
      this.#at += 3;
      if (parameters.has(name.text)) this.#complain(name.line, name.text, 'is said twice');
      parameters.set(name.text, value.text);
      lines.parameters.set(name.text, name.line);
    }
  }

  #comment(): { comment?: string } {
    const token = this.#peek();
    if (token?.kind !== 'comment') return {};
    this.#at += 1;
    return token.text === '' ? {} : { comment: token.text };
  }

  #unfinished(token: HatToken): void {
    const next = this.#peek();
    const { line, text } = next ?? token;
    this.#complain(line, text, `is where ${token.text} in line ${token.line} wants an action or a $POLICY`);
    // A group that begins here is read for itself.
    if (next !== undefined && next.kind !== 'word') this.#passOver((each) => each.line > next.line);
  }

  #stray(token: HatToken | undefined, after?: HatToken): void {
    const { line, text } = token ?? after!;
    const message =
      after === undefined
        ? 'begins no row and no policy'
        : `is no action, which ${after.text} in line ${after.line} wants`;
    this.#complain(line, text, message);
    this.#passOver((each) => each.line > line);
  }

  /** Goes on behind the next closing brace, or at the next line. */
  #passOver(isEnd: (token: HatToken) => boolean): void {
    while (this.#at < this.#tokens.length && !isEnd(this.#tokens[this.#at]!)) this.#at += 1;
    if (this.#peek()?.kind === '}') this.#at += 1;
  }

  #findRepeated(): void {
    const seen = new Map<string, number>();
    const look = (key: string, line: number): void => {
      const earlier = seen.get(key);
      if (earlier === undefined) seen.set(key, line);
      else this.#complain(line, key, `stands in line ${earlier} already`);
    };
    for (const [place, row] of this.#rows.entries()) look(hostRowKey(row), this.#rowLines[place]!.own);
    for (const [place, policy] of this.#policies.entries()) look(flowPolicyKey(policy), this.#policyLines[place]!.own);
  }

  #lineOf(field: string): number {
    const [, section, place, part, rest] = /^(\w+)\[(\d+)\]\.?(\w*)[.[]?(\w*)/.exec(field)!;
    const lines = (section === 'hat' ? this.#rowLines : this.#policyLines)[Number(place)]!;
    if (part === 'sources') return lines.sources[Number(rest)] ?? lines.own;
    if (part === 'rule' || part === 'parameters') return lines.parameters.get(rest!) ?? lines.rule;
    return lines.own;
  }

  #complain(line: number, token: string, message: string): void {
    this.#faults.push({ ...accessFault('HAT_SYNTAX', '', token, message), line });
  }

  #peek(): HatToken | undefined {
    return this.#tokens[this.#at];
  }
}

function linesFrom({ line }: HatToken): Lines {
  return { own: line, sources: [], rule: line, parameters: new Map() };
}
