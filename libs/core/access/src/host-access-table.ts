/** The host access table: who may connect, and what may be done (R120 to R127). */
import type { Domain } from '@mailyard/mail';
import { type AccessFault, accessFault } from './access-fault.ts';
import { HostIndex } from './host-index.ts';
import { type HostPattern, readHostPattern } from './host-pattern.ts';
import {
  CONNECTION_ACTIONS,
  type ConnectionAction,
  type FlowLimits,
  type FlowParameters,
  isIdleParameter,
  type MailFlowPolicy,
  PREDEFINED_POLICIES,
  readFlowLimits,
} from './mail-flow-policy.ts';
import { namesEveryone } from './open-relay.ts';

/** A source as it is written (see `readHostPattern`), with what somebody wrote beside it. */
export interface HostSource {
  readonly source: string;
  readonly comment?: string;
}

/** What a row says of its clients: a policy by its name, or an action with parameters of its own. */
export type HostRule =
  | { readonly policy: string }
  | { readonly action: ConnectionAction; readonly parameters: FlowParameters };

/** A row of the host access table as it is written in the configuration: a sender group, or a single source. */
export interface HostAccessRow {
  /** The listener that it is for; '' = for each that has no row of its own. */
  readonly listener: string;
  /** Of a sender group; '' where the row is for its only source. */
  readonly group: string;
  readonly sources: readonly HostSource[];
  readonly rule: HostRule;
  readonly comment?: string;
}

/** What the table says of a client. */
export interface HostVerdict {
  readonly action: Exclude<ConnectionAction, 'CONTINUE'>;
  /** The sender group; `None` where no group names the client. */
  readonly group: string;
  /** The source that matched, as it is written; `ALL` where none did. */
  readonly source: string;
  /** The mail flow policy, with its `$`; '' where the row has parameters of its own, or there is no row. */
  readonly policy: string;
  readonly limits: FlowLimits;
}

/** Whom no row names: as the recipient access table and the listener's settings have it (R120). */
export const UNLISTED: HostVerdict = { action: 'ACCEPT', group: 'None', source: 'ALL', policy: '', limits: {} };

const GROUP = /^[A-Za-z_][A-Za-z0-9_-]{0,63}$/;
/** The name of a listener; '' stands for each. */
export const LISTENER = /^[A-Za-z0-9_-]{0,32}$/;

/** What tells a row from the others. */
export function hostRowKey({ listener, group, sources }: HostAccessRow): string {
  const source = sources[0]?.source ?? '';
  const name = group !== '' ? group : /^all$/i.test(source) ? 'ALL' : source.toLowerCase();
  return listener === '' ? name : `${listener} ${name}`;
}

/** Whether a row is for whom no other names: it is read last, wherever it is written (R120). */
export function isLastRow({ group, sources }: HostAccessRow): boolean {
  return group === '' && /^all$/i.test(sources[0]?.source ?? '');
}

/** What tells a mail flow policy from the others. */
export function flowPolicyKey({ listener, name }: MailFlowPolicy): string {
  return listener === '' ? `$${name}` : `${listener} $${name}`;
}

/** The rows of one listener, ready to be asked. */
export class ListenerHosts {
  /** Whether any row stands here; where none does nobody need be asked about. */
  readonly isEmpty: boolean;
  /** Whether any row bounds the recipients of an hour. */
  readonly countsRecipients: boolean;
  /** The networks that may relay. */
  readonly relayed: readonly Extract<HostPattern, { kind: 'range' }>[];
  readonly #index: HostIndex;
  readonly #verdicts: readonly HostVerdict[];

  constructor(rows: readonly { readonly sources: readonly ReadSource[]; readonly verdict: HostVerdict }[]) {
    this.isEmpty = rows.length === 0;
    this.countsRecipients = rows.some(({ verdict }) => verdict.limits.maxRecipientsPerHour !== undefined);
    this.relayed = rows
      .filter(({ verdict }) => verdict.action === 'RELAY')
      .flatMap(({ sources }) => sources.flatMap(({ pattern }) => (pattern.kind === 'range' ? [pattern] : [])));
    const verdicts: HostVerdict[] = [];
    const patterns: { pattern: HostPattern; place: number }[] = [];
    for (const { sources, verdict } of rows)
      for (const { source, pattern } of sources) {
        patterns.push({ pattern, place: verdicts.length });
        verdicts.push({ ...verdict, source });
      }
    this.#index = new HostIndex(patterns);
    this.#verdicts = verdicts;
  }

  /** Whether the verified names of a client can change the verdict: only then are they worth a look-up (R123). */
  asksForNames(address: string): boolean {
    return this.#index.asksForNames(address);
  }

  /**
   * @param address of the client, in text
   * @param names of the client: PTR names whose addresses lead back to it (R123), and no others
   */
  verdict(address: string, names: readonly Domain[]): HostVerdict {
    const place = this.#index.first(address, names);
    return place === undefined ? UNLISTED : this.#verdicts[place]!;
  }
}

interface ReadSource {
  readonly source: string;
  readonly pattern: HostPattern;
}

/** The host access tables of all listeners. */
export class HostAccessTable {
  /** Whether any row of any listener bounds the recipients of an hour: then those of all are counted (R128). */
  readonly countsRecipients: boolean;
  readonly #listeners: ReadonlyMap<string, ListenerHosts>;

  private constructor(listeners: ReadonlyMap<string, ListenerHosts>) {
    this.#listeners = listeners;
    this.countsRecipients = [...listeners.values()].some((hosts) => hosts.countsRecipients);
  }

  /** Reads the rows and policies, or tells every fault at once: `hat[2].sources[0]`, `mailFlowPolicies[1].parameters.tls`. */
  static read(
    rows: readonly HostAccessRow[],
    policies: readonly MailFlowPolicy[],
  ): HostAccessTable | readonly AccessFault[] {
    const faults: AccessFault[] = [];
    const flows = readPolicies(policies, faults);
    const listeners = new Map<string, { sources: ReadSource[]; verdict: HostVerdict; isLast: boolean }[]>();
    for (const [place, row] of rows.entries()) {
      const field = `hat[${place}]`;
      checkNames(row, field, faults);
      const rule = readRule(row, flows, field, faults);
      const sources = readSources(row, rule?.action, field, faults);
      let read = listeners.get(row.listener);
      if (read === undefined) {
        read = [];
        listeners.set(row.listener, read);
      }
      // A row that continues is as good as none (R124).
      if (rule === undefined || rule.action === 'CONTINUE') continue;
      const verdict = { ...rule, action: rule.action, group: row.group === '' ? 'None' : row.group, source: '' };
      read.push({ sources, verdict, isLast: sources.some(({ pattern }) => pattern.kind === 'all') });
    }
    if (faults.length > 0) return faults;
    return new HostAccessTable(
      new Map(
        Array.from(listeners, ([name, read]) => [
          name,
          // ALL stands last, wherever it is written (R120).
          new ListenerHosts([...read.filter(({ isLast }) => !isLast), ...read.filter(({ isLast }) => isLast)]),
        ]),
      ),
    );
  }

  /**
   * Finds listeners whose networks together relay for everyone, though none of them does alone. A table that was committed
   * before this was looked at is still served.
   */
  findOpenRelays(): readonly AccessFault[] {
    return Array.from(this.#listeners, ([name, { relayed }]) => ({ name, families: namesEveryone(relayed) }))
      .filter(({ families }) => families.length > 0)
      .map(({ name, families }) => {
        const over = families.map((family) => `IPv${family}`).join(' and ');
        const message = `the networks that may relay are together everyone over ${over}; name those that are yours`;
        return accessFault('HAT_OPEN_RELAY', 'hat', name === '' ? 'ALL' : name, message);
      });
  }

  /** Whether a listener has rows of its own. */
  has(listener: string): boolean {
    return this.#listeners.has(listener);
  }

  /** The rows of a listener, or those for every listener without rows of its own. */
  of(listener: string): ListenerHosts {
    return this.#listeners.get(listener) ?? this.#listeners.get('') ?? NOBODY;
  }
}

const NOBODY = new ListenerHosts([]);

interface ReadRule {
  readonly action: ConnectionAction;
  readonly policy: string;
  readonly limits: FlowLimits;
}

/** Policies by their key. */
function readPolicies(policies: readonly MailFlowPolicy[], faults: AccessFault[]): ReadonlyMap<string, ReadRule> {
  const read = new Map<string, ReadRule>();
  const put = (policy: MailFlowPolicy, limits: FlowLimits): void => {
    read.set(flowPolicyKey(policy), { action: policy.action, policy: `$${policy.name}`, limits });
  };
  for (const policy of PREDEFINED_POLICIES)
    put(policy, readFlowLimits(policy.action, policy.parameters, policy.name, faults));
  const seen = new Set<string>();
  for (const [place, policy] of policies.entries()) {
    const field = `mailFlowPolicies[${place}]`;
    const key = flowPolicyKey(policy);
    if (!GROUP.test(policy.name) || !LISTENER.test(policy.listener))
      faults.push(accessFault('FLOW_NAME_INVALID', `${field}.name`, key, 'is no name of a mail flow policy'));
    if (seen.has(key)) faults.push(accessFault('FLOW_DUPLICATE', `${field}.name`, key, 'is used twice'));
    seen.add(key);
    put(policy, readFlowLimits(policy.action, policy.parameters, `${field}.parameters`, faults));
  }
  return read;
}

function checkNames({ listener, group, sources, comment }: HostAccessRow, field: string, faults: AccessFault[]): void {
  const complain = (where: string, token: string, message: string): void =>
    void faults.push(accessFault('HAT_ROW_INVALID', `${field}.${where}`, token, message));
  if (!LISTENER.test(listener)) complain('listener', listener, 'is no name of a listener');
  if (group !== '' && (!GROUP.test(group) || /^(?:all|none)$/i.test(group)))
    complain('group', group, 'is no name of a sender group');
  if (group === '' && sources.length !== 1) complain('sources', group, 'a row without a sender group has one source');
  for (const text of [comment, ...sources.map((source) => source.comment)])
    if (text !== undefined && !isComment(text))
      complain('comment', text, 'is no comment: one line of at most 400 characters, with balanced parentheses');
}

/** Whether it can stand between parentheses on a line. */
function isComment(text: string): boolean {
  // oxlint-disable-next-line no-control-regex -- controls are what a comment may not have
  if (text.length > 400 || text.trim() !== text || text === '' || /[\0-\x1f\x7f\u2028\u2029]/.test(text)) return false;
  let depth = 0;
  for (const character of text) {
    if (character === '(') depth += 1;
    else if (character === ')') depth -= 1;
    if (depth < 0) return false;
  }
  return depth === 0;
}

function readRule(
  row: HostAccessRow,
  policies: ReadonlyMap<string, ReadRule>,
  field: string,
  faults: AccessFault[],
): ReadRule | undefined {
  const { listener, rule } = row;
  if ('action' in rule) {
    if (!CONNECTION_ACTIONS.includes(rule.action))
      faults.push(accessFault('HAT_ROW_INVALID', `${field}.rule`, rule.action, 'is no action'));
    return {
      action: rule.action,
      policy: '',
      limits: readFlowLimits(rule.action, rule.parameters, `${field}.rule`, faults),
    };
  }
  const { policy: name } = rule;
  const policy = policies.get(`${listener} $${name}`) ?? policies.get(`$${name}`);
  if (policy === undefined)
    faults.push(
      accessFault(
        'HAT_POLICY_UNKNOWN',
        `${field}.rule`,
        `$${name}`,
        `is no mail flow policy; ${hostRowKey(row)} names it`,
      ),
    );
  return policy;
}

function readSources(
  { group, sources }: HostAccessRow,
  action: ConnectionAction | undefined,
  field: string,
  faults: AccessFault[],
): ReadSource[] {
  return sources.flatMap(({ source }, place) => {
    const complain = (code: AccessFault['code'], message: string): [] => {
      faults.push(accessFault(code, `${field}.sources[${place}]`, source, message));
      return [];
    };
    const pattern = readHostPattern(source);
    if (typeof pattern === 'string') return complain('HAT_SOURCE_INVALID', pattern);
    if (pattern.kind === 'all' && group !== '')
      return complain('HAT_SOURCE_INVALID', 'belongs to no sender group: it is a row of its own, the last');
    if (action === 'RELAY' && isEveryone(pattern))
      return complain('HAT_OPEN_RELAY', 'would relay for everyone; name the networks that may relay');
    return [{ source, pattern }];
  });
}

function isEveryone(pattern: HostPattern): boolean {
  if (pattern.kind === 'all') return true;
  const width = pattern.kind === 'range' && pattern.family === 4 ? 32n : 128n;
  return pattern.kind === 'range' && pattern.last - pattern.first === (1n << width) - 1n;
}

/** What is kept of rows and policies but not acted upon, so that somebody is told. */
export interface IdleParts {
  /** Sources that match nobody, since the service that they ask is not there. */
  readonly sources: readonly string[];
  /** Names of parameters that nothing goes by. */
  readonly parameters: readonly string[];
}

/** Finds what of rows and policies is kept and not acted upon. */
export function idleParts(rows: readonly HostAccessRow[], policies: readonly MailFlowPolicy[]): IdleParts {
  const sources = new Set<string>();
  const parameters = new Set<string>();
  const note = (written: FlowParameters): void => {
    for (const name of Object.keys(written)) if (isIdleParameter(name)) parameters.add(name);
  };
  for (const { sources: listed, rule } of rows) {
    if ('parameters' in rule) note(rule.parameters);
    for (const { source } of listed) {
      const pattern = readHostPattern(source);
      if (typeof pattern !== 'string' && pattern.kind === 'unserved') sources.add(source);
    }
  }
  for (const { parameters: written } of policies) note(written);
  return { sources: [...sources], parameters: [...parameters].sort((a, b) => (a < b ? -1 : 1)) };
}
