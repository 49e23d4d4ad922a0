/**
 * Mail policies, incoming and outgoing (R110): which policy a recipient falls under, and the split of a message into one copy a policy.
 */
import { type AccessFault, accessFault } from './access-fault.ts';
import { type AddressPattern, matches, readMemberPattern, type Subject } from './address-pattern.ts';

/** One side of a policy's condition, as written. Listed members are joined by OR; `not` takes members out (R116). */
export interface PolicySide {
  /** Empty: anyone. */
  readonly members: readonly string[];
  readonly not?: readonly string[];
}

/** What a policy does to its copy. */
export interface PolicyActions {
  readonly removeHeaders?: readonly string[];
  readonly addHeaders?: readonly { readonly name: string; readonly value: string }[];
  readonly subjectTag?: string;
  /** -100 to 100; a higher one goes first. */
  readonly priority?: number;
  readonly drop?: boolean;
}

/** A row of the policy table as it is written in the configuration (R110 to R116). */
export interface MailPolicy {
  readonly name: string;
  readonly sender: PolicySide;
  readonly recipient: PolicySide;
  readonly actions: PolicyActions;
}

/** Who sent a message, in the order in which policies ask: envelope sender, then From, then Reply-To (R113). */
export type PolicySenders = readonly Subject[];

interface ReadSide {
  readonly members: readonly AddressPattern[];
  readonly not: readonly AddressPattern[];
}

interface ReadPolicy {
  readonly policy: MailPolicy;
  readonly sender: ReadSide;
  readonly recipient: ReadSide;
}

/** The default policy: it matches everything, stands last and cannot go (R111). */
export const DEFAULT_POLICY = 'DEFAULT';

/** The policies of one table, in order, the default one last. */
export class MailPolicyTable {
  readonly policies: readonly MailPolicy[];
  /** Whether any policy asks who sent a message; where none does the header need not be read for it. */
  readonly asksForAuthors: boolean;
  readonly #read: readonly ReadPolicy[];

  private constructor(read: readonly ReadPolicy[]) {
    this.#read = read;
    this.policies = read.map(({ policy }) => policy);
    this.asksForAuthors = read.some(({ sender }) => sender.members.length + sender.not.length > 0);
  }

  /**
   * Reads the rows, or tells every fault at once.
   *
   * @param policies in order; a row named DEFAULT, which may only have actions, is moved last, and made if absent
   * @param section what faults call the table
   */
  static read(policies: readonly MailPolicy[], section = 'policies'): MailPolicyTable | readonly AccessFault[] {
    const faults: AccessFault[] = [];
    const names = new Set<string>();
    const read = policies.map((policy, place): ReadPolicy => {
      const field = `${section}[${place}]`;
      if (!/^[A-Za-z0-9 _.-]{1,64}$/.test(policy.name))
        faults.push(
          accessFault(
            'POLICY_NAME_INVALID',
            `${field}.name`,
            policy.name,
            'must be 1 to 64 letters, digits, blanks, dots, hyphens or underscores',
          ),
        );
      if (names.has(policy.name))
        faults.push(accessFault('POLICY_DUPLICATE', `${field}.name`, policy.name, 'is used twice'));
      names.add(policy.name);
      const sender = readSide(policy.sender, `${field}.sender`, faults);
      const recipient = readSide(policy.recipient, `${field}.recipient`, faults);
      if (
        policy.name === DEFAULT_POLICY &&
        [sender, recipient].some(({ members, not }) => members.length + not.length > 0)
      ) {
        faults.push(
          accessFault('POLICY_DEFAULT_CONDITION', field, policy.name, 'matches everything and takes no condition'),
        );
      }
      checkActions(policy.actions, `${field}.actions`, faults);
      return { policy, sender, recipient };
    });
    if (faults.length > 0) return faults;
    const last = read.find(({ policy }) => policy.name === DEFAULT_POLICY) ?? defaultPolicy();
    return new MailPolicyTable([...read.filter(({ policy }) => policy.name !== DEFAULT_POLICY), last]);
  }

  /**
   * Place of the policy under which mail from these senders to this recipient falls. The table is read from its top for
   * each sender in turn, so that an envelope sender below wins over a header above; the default, the last, takes what
   * no sender brought under another (R111, R113).
   */
  match(senders: PolicySenders, recipient: Subject): number {
    const last = this.#read.length - 1;
    for (const sender of senders.length === 0 ? [undefined] : senders) {
      const place = this.#read.findIndex(
        ({ sender: senderSide, recipient: recipientSide }) =>
          holds(senderSide, sender) && holds(recipientSide, recipient),
      );
      if (place < last) return place;
    }
    return last;
  }

  /** Places of the policies that an address could fall under, the default always among them (R117). */
  naming(address: Subject): { readonly asSender: readonly number[]; readonly asRecipient: readonly number[] } {
    const places = (side: 'sender' | 'recipient'): number[] =>
      this.#read.flatMap((policy, place) => (holds(policy[side], address) ? [place] : []));
    return { asSender: places('sender'), asRecipient: places('recipient') };
  }
}

/** A group of recipients under one policy: what becomes one copy (R91). */
export interface Splinter {
  readonly policy: MailPolicy;
  /** RIDs, in envelope order. */
  readonly recipients: readonly number[];
}

/**
 * Splits the recipients of a message by policy: splinters in the order of the table, recipients in that of the envelope,
 * each exactly once (R90 to R94).
 */
export function splinter(table: MailPolicyTable, senders: PolicySenders, recipients: readonly Subject[]): Splinter[] {
  const groups = new Map<number, number[]>();
  for (const [rid, recipient] of recipients.entries()) {
    const place = table.match(senders, recipient);
    const group = groups.get(place);
    if (group === undefined) groups.set(place, [rid]);
    else group.push(rid);
  }
  return [...groups]
    .sort(([a], [b]) => a - b)
    .map(([place, rids]) => ({ policy: table.policies[place]!, recipients: rids }));
}

function holds({ members, not }: ReadSide, subject: Subject | undefined): boolean {
  if (subject === undefined) return members.length === 0 || members.some((pattern) => pattern.kind === 'all');
  if (not.some((pattern) => matches(pattern, subject))) return false;
  return members.length === 0 || members.some((pattern) => matches(pattern, subject));
}

function readSide(side: PolicySide, field: string, faults: AccessFault[]): ReadSide {
  const readAll = (members: readonly string[], name: string): AddressPattern[] =>
    members.flatMap((text, place) => {
      const pattern = readMemberPattern(text);
      if (pattern !== undefined) return [pattern];
      faults.push(
        accessFault(
          'POLICY_MEMBER_INVALID',
          `${field}.${name}[${place}]`,
          text,
          'is no user@domain, user@, @domain, @.domain or ALL',
        ),
      );
      return [];
    });
  return { members: readAll(side.members, 'members'), not: readAll(side.not ?? [], 'not') };
}

const FIELD_NAME = /^[!-9;-~]{1,76}$/;
const FIELD_VALUE = /^[\x20-\x7e]{0,900}$/;

function checkActions(actions: PolicyActions, field: string, faults: AccessFault[]): void {
  const complain = (
    code: 'POLICY_HEADER_INVALID' | 'POLICY_PRIORITY_RANGE',
    where: string,
    token: string,
    message: string,
  ): void => {
    faults.push(accessFault(code, `${field}.${where}`, token, message));
  };
  for (const [place, name] of (actions.removeHeaders ?? []).entries()) {
    if (!FIELD_NAME.test(name))
      complain('POLICY_HEADER_INVALID', `removeHeaders[${place}]`, name, 'is no name of a header field');
  }
  for (const [place, { name, value }] of (actions.addHeaders ?? []).entries()) {
    if (!FIELD_NAME.test(name))
      complain('POLICY_HEADER_INVALID', `addHeaders[${place}].name`, name, 'is no name of a header field');
    if (!FIELD_VALUE.test(value))
      complain('POLICY_HEADER_INVALID', `addHeaders[${place}].value`, value, 'must be printable US-ASCII on one line');
  }
  const { subjectTag, priority } = actions;
  if (subjectTag !== undefined && (subjectTag === '' || !FIELD_VALUE.test(subjectTag)))
    complain('POLICY_HEADER_INVALID', 'subjectTag', subjectTag, 'must be printable US-ASCII on one line');
  if (priority !== undefined && !(Number.isInteger(priority) && Math.abs(priority) <= 100))
    complain('POLICY_PRIORITY_RANGE', 'priority', String(priority), 'must be a whole number from -100 to 100');
}

function defaultPolicy(): ReadPolicy {
  const anyone: PolicySide = { members: [] };
  const side: ReadSide = { members: [], not: [] };
  return {
    policy: { name: DEFAULT_POLICY, sender: anyone, recipient: anyone, actions: {} },
    sender: side,
    recipient: side,
  };
}
