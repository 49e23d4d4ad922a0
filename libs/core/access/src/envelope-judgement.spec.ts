import { type Mailbox, parseMailbox } from '@mailyard/mail';
import { describe, expect, it } from 'vitest';
import { AliasTable } from './alias-table.ts';
import { DomainMap } from './domain-map.ts';
import { judgeEnvelope, type MailInTables, type OfferedEnvelope } from './envelope-judgement.ts';
import { HostAccessTable } from './host-access-table.ts';
import { MailPolicyTable } from './mail-policy.ts';
import { RecipientAccessTable } from './recipient-access-table.ts';
import { RecipientRewriting } from './recipient-rewriting.ts';
import { VirtualGatewayMap } from './virtual-gateway.ts';

const anyone = { members: [] };
const row = (source: string, action: 'ACCEPT' | 'RELAY' | 'REJECT' | 'TCPREFUSE') => ({
  listener: '',
  group: '',
  sources: [{ source }],
  rule: { action, parameters: {} },
});
const tables = {
  hosts: HostAccessTable.read(
    [row('10.0.0.0/8', 'RELAY'), row('192.0.2.1', 'REJECT'), row('192.0.2.2', 'TCPREFUSE')],
    [],
  ),
  recipients: RecipientAccessTable.read([{ recipient: 'example.com', action: 'ACCEPT' }]),
  policies: MailPolicyTable.read([
    { name: 'boss', sender: anyone, recipient: { members: ['boss@'] }, actions: {} },
    { name: 'list', sender: { members: ['@list.example'] }, recipient: anyone, actions: {} },
  ]),
  outgoing: MailPolicyTable.read([{ name: 'stamped', sender: anyone, recipient: anyone, actions: {} }]),
  gateways: VirtualGatewayMap.read([{ from: '@list.example', gateway: 'lists' }]),
  rewriting: new RecipientRewriting(
    DomainMap.read([{ from: '@old.example', to: '@example.com' }]) as DomainMap,
    AliasTable.of([
      { alias: 'all@example.com', to: ['u', 'boss'] },
      { alias: 'round@example.com', to: ['turn'] },
      { alias: 'turn@example.com', to: ['round'] },
    ]),
  ),
} as MailInTables;

const subject = (text: string): Mailbox => parseMailbox(text)!;
const judge = (client: string, recipients: readonly string[], more: Partial<OfferedEnvelope> = {}) =>
  judgeEnvelope(tables, {
    listener: 'public',
    client,
    names: [],
    isAuthenticated: false,
    reversePath: subject('ann@origin.example'),
    authors: [],
    recipients: recipients.map(subject),
    ...more,
  });
const split = (judged: ReturnType<typeof judge>) =>
  judged.splinters.map(({ policy, recipients }) => `${policy.name} ${recipients.join()}`);

describe('an envelope', () => {
  it('is taken for whom the recipient access table names, and split by the incoming policies (R91, R131)', () => {
    const judged = judge('198.51.100.1', ['u@example.com', 'x@elsewhere.test', 'boss@example.com']);
    expect(judged.recipients.map(({ action, matched }) => `${action} ${matched}`)).toEqual([
      'ACCEPT example.com',
      'REJECT ALL',
      'ACCEPT example.com',
    ]);
    expect(split(judged)).toEqual(['boss 2', 'DEFAULT 0']);
    expect(judged).toMatchObject({ relays: false, gateway: undefined });
  });

  it('may be for anyone from a client that relays, under the outgoing policies (R110, R124)', () => {
    const judged = judge('10.1.2.3', ['boss@elsewhere.test', 'postmaster']);
    expect(judged.recipients.map(({ action, matched }) => `${action} ${matched}`)).toEqual([
      'ACCEPT ',
      'ACCEPT postmaster',
    ]);
    expect(split(judged)).toEqual(['stamped 0,1']);
  });

  it('may be for anyone from a client that has authenticated, wherever it comes from but where TCP is refused (R129)', () => {
    const authenticated = { isAuthenticated: true };
    expect(judge('192.0.2.1', ['x@elsewhere.test'], authenticated)).toMatchObject({
      relays: true,
      recipients: [{ action: 'ACCEPT' }],
    });
    expect(judge('192.0.2.2', ['x@elsewhere.test'], authenticated).recipients).toMatchObject([{ action: 'REJECT' }]);
  });

  it('is for what its recipients become: access is asked after the domain map, policies after the aliases (R136)', () => {
    const judged = judge('198.51.100.1', ['all@old.example', 'x@other.test', 'round@example.com', 'u@example.com']);
    expect(judged.recipients.map(({ action }) => action)).toEqual(['ACCEPT', 'REJECT', 'ACCEPT', 'ACCEPT']);
    expect(judged.rewritten).toMatchObject([
      { mapped: '@old.example', recipients: [{ address: 'u@example.com' }, { address: 'boss@example.com' }] },
      undefined,
      { fault: 'loop' },
      undefined,
    ]);
    expect(split(judged)).toEqual(['boss 0', 'DEFAULT 0,3']);
  });

  it('is refused with its client (R124)', () => {
    for (const client of ['192.0.2.1', '192.0.2.2'])
      expect(judge(client, ['u@example.com'])).toMatchObject({
        recipients: [{ action: 'REJECT', reply: undefined }],
        splinters: [],
      });
  });

  it('is told by its sender, then by its authors; by the sender alone which gateway it leaves by (R113, R147)', () => {
    const authors = [subject('news@list.example')];
    expect(split(judge('198.51.100.1', ['u@example.com'], { authors, reversePath: null }))).toEqual(['list 0']);
    expect(judge('198.51.100.1', ['u@example.com'], { authors }).gateway).toBeUndefined();
    expect(judge('198.51.100.1', ['u@example.com'], { reversePath: authors[0]! }).gateway).toBe('lists');
  });
});

describe('the policies that an address may fall under (R117)', () => {
  it('are those that name it or name nobody, the default among them', () => {
    const names = (text: string) => {
      const { asSender, asRecipient } = tables.policies.naming(subject(text));
      const nameOf = (place: number): string => tables.policies.policies[place]!.name;
      return [asSender.map(nameOf).join(' '), asRecipient.map(nameOf).join(' ')];
    };
    expect(names('boss@example.com')).toEqual(['boss DEFAULT', 'boss list DEFAULT']);
    expect(names('news@list.example')).toEqual(['boss list DEFAULT', 'list DEFAULT']);
  });
});
