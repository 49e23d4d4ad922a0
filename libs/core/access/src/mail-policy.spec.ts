import * as fc from 'fast-check';
import { parseMailbox } from '@mailyard/mail';
import { describe, expect, it } from 'vitest';
import type { Subject } from './address-pattern.ts';
import { type MailPolicy, MailPolicyTable, splinter } from './mail-policy.ts';

const subject = (text: string): Subject => parseMailbox(text)!;

function policy(name: string, sender: string[], recipient: string[], actions: MailPolicy['actions'] = {}): MailPolicy {
  return { name, sender: { members: sender }, recipient: { members: recipient }, actions };
}

function read(...policies: MailPolicy[]): MailPolicyTable {
  const table = MailPolicyTable.read(policies);
  if (!(table instanceof MailPolicyTable)) throw new Error(JSON.stringify(table));
  return table;
}

function split(table: MailPolicyTable, sender: string, recipients: string[]): Record<string, string[]> {
  const splinters = splinter(table, [subject(sender)], recipients.map(subject));
  return Object.fromEntries(
    splinters.map(({ policy: { name }, recipients: rids }) => [name, rids.map((rid) => recipients[rid]!)]),
  );
}

/** The table of section 17, with @engineers.test in place of the directory group. */
const GUIDE = read(
  policy('1', [], ['joe@example.com', 'ann@example.com']),
  policy('2', ['@lawfirm.com'], []),
  policy('3', [], ['@newdomain.com', '@anotherexample.com']),
  policy('4', [], ['@engineers.test']),
  policy('5', [], ['jim@', 'john@', 'larry@']),
);

describe('incoming mail policies', () => {
  it.each([
    ['bill@lawfirm.com', ['jim@example.com'], { 2: ['jim@example.com'] }],
    [
      'joe@yahoo.com',
      ['john@example.com', 'jane@newdomain.com', 'bill@example.com'],
      { 3: ['jane@newdomain.com'], 5: ['john@example.com'], DEFAULT: ['bill@example.com'] },
    ],
    [
      'bill@lawfirm.com',
      ['ann@example.com', 'larry@example.com'],
      { 1: ['ann@example.com'], 2: ['larry@example.com'] },
    ],
  ])('split mail from %s as the guide does (R91, R111, R115)', (sender, recipients, expected) => {
    expect(split(GUIDE, sender, recipients)).toEqual(expected);
  });

  it('make 10 splinters of 10 recipients under 10 policies, in the order of the table (R90, R94)', () => {
    const table = read(...Array.from({ length: 10 }, (_, n) => policy(`p${n}`, [], [`u${n}@`])));
    const recipients = Array.from({ length: 10 }, (_, n) => subject(`u${9 - n}@example.com`));
    expect(splinter(table, [], recipients).map(({ policy: { name }, recipients: rids }) => [name, ...rids])).toEqual(
      Array.from({ length: 10 }, (_, n) => [`p${n}`, 9 - n]),
    );
  });

  it('leave a message whole whose recipients all fall under one (R92)', () => {
    const table = read(policy('other', ['@x.test'], []), policy('all', [], ['@b.test']));
    expect(splinter(table, [subject('x@a.test')], ['u@b.test', 'v@b.test'].map(subject))).toEqual([
      { policy: table.policies[1], recipients: [0, 1] },
    ]);
  });

  it('want both the sender and the recipient (R114)', () => {
    const table = read(policy('both', ['@a.test'], ['@b.test']));
    expect(split(table, 'x@a.test', ['u@b.test'])).toEqual({ both: ['u@b.test'] });
    expect(split(table, 'x@c.test', ['u@b.test'])).toEqual({ DEFAULT: ['u@b.test'] });
    expect(split(table, 'x@a.test', ['u@c.test'])).toEqual({ DEFAULT: ['u@c.test'] });
  });

  it('cover only what is below by @.domain (R112)', () => {
    const table = read(policy('below', [], ['@.b.test']));
    expect(split(table, 'x@a.test', ['u@b.test', 'u@c.b.test'])).toEqual({
      below: ['u@c.b.test'],
      DEFAULT: ['u@b.test'],
    });
  });

  it('leave out who stands under not (R116)', () => {
    const table = read({ ...policy('most', [], ['@b.test']), recipient: { members: ['@b.test'], not: ['boss@'] } });
    expect(split(table, 'x@a.test', ['u@b.test', 'boss@b.test'])).toEqual({
      most: ['u@b.test'],
      DEFAULT: ['boss@b.test'],
    });
  });

  it('look at the header after the envelope sender (R113)', () => {
    const table = read(policy('from', ['@news.test'], []));
    expect(table.match([subject('bounce@esp.test'), subject('editor@news.test')], subject('u@b.test'))).toBe(0);
    expect(table.match([], subject('u@b.test'))).toBe(1);
  });

  it('prefer the envelope sender to a header, whichever stands above (R113)', () => {
    const table = read(policy('header', ['@news.test'], []), policy('envelope', ['@esp.test'], []));
    const senders = [subject('bounce@esp.test'), subject('editor@news.test'), subject('reply@esp.test')];
    expect(table.match(senders, subject('u@b.test'))).toBe(1);
    expect(table.match(senders.slice(1), subject('u@b.test'))).toBe(0);
  });

  it('take a quoted local part for what it quotes (R112)', () => {
    const table = read(policy('joe', [], ['joe@b.test']), policy('john', [], ['"john doe"@b.test']));
    expect(split(table, 'x@a.test', ['"joe"@b.test', '"Jo\\e"@b.test', '"john doe"@b.test'])).toEqual({
      joe: ['"joe"@b.test', '"Jo\\e"@b.test'],
      john: ['"john doe"@b.test'],
    });
  });

  it('keep the default last, wherever it is written (R111)', () => {
    const table = read(policy('DEFAULT', [], [], { priority: 5 }), policy('a', [], ['a@']));
    expect(table.policies.map(({ name }) => name)).toEqual(['a', 'DEFAULT']);
    expect(table.policies[1]?.actions.priority).toBe(5);
  });

  it('tell all faults at once', () => {
    const faults = MailPolicyTable.read([
      policy('a', ['example.com'], [], { priority: 101, subjectTag: 'a\r\nBcc: x' }),
      policy('a', [], [], { addHeaders: [{ name: 'X Y', value: '\u00e9' }], removeHeaders: [':'] }),
      policy('DEFAULT', ['u@'], []),
      policy('', [], []),
    ]);
    expect(Array.isArray(faults) && faults.map(({ code }) => code).toSorted((a, b) => (a < b ? -1 : 1))).toEqual([
      'POLICY_DEFAULT_CONDITION',
      'POLICY_DUPLICATE',
      'POLICY_HEADER_INVALID',
      'POLICY_HEADER_INVALID',
      'POLICY_HEADER_INVALID',
      'POLICY_HEADER_INVALID',
      'POLICY_MEMBER_INVALID',
      'POLICY_NAME_INVALID',
      'POLICY_PRIORITY_RANGE',
    ]);
  });

  it('give each recipient to exactly one splinter, in envelope order (R94)', () => {
    const member = fc.constantFrom('a@', 'b@', '@x.test', '@.x.test', 'a@x.test', 'ALL');
    const side = fc.uniqueArray(member, { maxLength: 3 });
    const address = fc.constantFrom('a@x.test', 'b@x.test', 'c@y.x.test', 'd@z.test', 'postmaster');
    fc.assert(
      fc.property(
        fc.array(fc.tuple(side, side), { maxLength: 5 }),
        address,
        fc.array(address, { minLength: 1 }),
        (sides, sender, recipients) => {
          const table = read(...sides.map(([senders, members], n) => policy(`p${n}`, senders, members)));
          const splinters = splinter(table, [subject(sender)], recipients.map(subject));
          const all = splinters.flatMap(({ recipients: rids }) => [...rids]);
          expect(all.toSorted((a, b) => a - b)).toEqual(recipients.map((_, rid) => rid));
          for (const { recipients: rids } of splinters) expect(rids).toEqual(rids.toSorted((a, b) => a - b));
          const places = splinters.map((each) => table.policies.indexOf(each.policy));
          expect(places).toEqual(places.toSorted((a, b) => a - b));
        },
      ),
    );
  });
});
