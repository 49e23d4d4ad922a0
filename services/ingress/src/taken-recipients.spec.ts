import {
  type AliasRow,
  AliasTable,
  DomainMap,
  type DomainMapRow,
  MAX_EXPANSION,
  RecipientRewriting,
} from '@mailyard/access';
import { parseMailbox, type RcptParameters } from '@mailyard/mail';
import { describe, expect, it } from 'vitest';
import { TakenRecipients } from './taken-recipients.ts';

function rewritingOf(aliases: readonly AliasRow[], domainMap: readonly DomainMapRow[] = []): RecipientRewriting {
  return new RecipientRewriting(DomainMap.read(domainMap) as DomainMap, AliasTable.of(aliases));
}

/** Gives RCPT after RCPT; a reply is told by its code. */
function take(rewriting: RecipientRewriting, ...addresses: readonly (string | readonly [string, RcptParameters])[]) {
  const taken = new TakenRecipients();
  const replies = addresses.map((one) => {
    const [address, parameters] = typeof one === 'string' ? [one, {}] : one;
    const forwardPath = parseMailbox(address)!;
    const proposal = taken.propose({ forwardPath, parameters }, rewriting.domainMap.map(forwardPath), rewriting, 3);
    if ('code' in proposal) return `${proposal.code} ${proposal.enhancedStatus}`;
    taken.take(proposal);
    return 'taken';
  });
  return { replies, taken, paths: taken.recipients.map(({ forwardPath }) => forwardPath) };
}

describe('the recipients of a transaction (R136)', () => {
  const list = rewritingOf([{ alias: 'list@x.example', to: ['ann', 'bob', 'carl@y.example'] }]);

  it('name once who is named twice, by RCPT or by an alias, and only where an alias is in play', () => {
    const { paths, taken } = take(
      list,
      'bob@x.example',
      'list@x.example',
      'ann@x.example',
      'Ann@x.example',
      'ann@X.EXAMPLE',
    );
    expect(paths).toEqual(['bob@x.example', 'ann@x.example', 'carl@y.example', 'Ann@x.example']);
    expect(taken.expansions).toEqual([
      { received: 'list@x.example', alias: 'list@x.example', version: 3, recipients: [1, 0, 2] },
    ]);
    expect(take(list, 'u@x.example', 'u@x.example').paths).toEqual(['u@x.example', 'u@x.example']);
    expect(take(list, 'list@x.example', 'list@x.example').paths).toHaveLength(3);
  });

  it('keep the DSN parameters of their RCPT, and the address that the sender wrote to (RFC 3461 §5.2)', () => {
    const { taken } = take(
      list,
      ['list@x.example', { notify: 'SUCCESS,FAILURE' }],
      ['carl@y.example', { notify: 'NEVER' }],
      'd@x.example',
    );
    expect(taken.recipients.map(({ parameters }) => parameters)).toEqual([
      { notify: 'SUCCESS,FAILURE', orcpt: 'rfc822;list@x.example' },
      { notify: 'SUCCESS,FAILURE', orcpt: 'rfc822;list@x.example' },
      { notify: 'SUCCESS,FAILURE', orcpt: 'rfc822;list@x.example' },
      {},
    ]);
    const own = take(list, ['list@x.example', { orcpt: 'rfc822;list+40old.example' }]);
    expect(own.taken.recipients[0]?.parameters).toEqual({ orcpt: 'rfc822;list+40old.example' });
    const mapped = rewritingOf([], [{ from: '@x.example', to: '@y.example' }]);
    expect(take(mapped, 'a+b@x.example').taken.recipients).toMatchObject([
      { forwardPath: 'a+b@y.example', received: 'a+b@x.example', parameters: { orcpt: 'rfc822;a+2Bb@x.example' } },
    ]);
    expect(take(mapped, 'jürgen@x.example').taken.recipients[0]?.parameters.orcpt).toBe('utf-8;j\\x{FC}rgen@x.example');
  });

  it('are a thousand at most, whoever named them: the client sends the others in another transaction', () => {
    const many = Array.from({ length: 600 }, (_, i) => `u${i}@y.example`);
    const rewriting = rewritingOf([
      { alias: 'one@x.example', to: many },
      { alias: 'two@x.example', to: many.map((address) => `v${address}`) },
    ]);
    const { replies, paths, taken } = take(rewriting, 'one@x.example', 'two@x.example', 'u7@y.example', 'w@x.example');
    expect(replies).toEqual(['taken', '452 4.5.3', 'taken', 'taken']);
    expect(paths).toHaveLength(601);
    expect(taken.expansions).toHaveLength(1);
    const plain = Array.from({ length: MAX_EXPANSION }, (_, i) => `p${i}@x.example`);
    expect(take(rewriting, 'one@x.example', ...plain).replies.filter((said) => said === '452 4.5.3')).toHaveLength(600);
  });

  it('are refused for now where an alias leads in a circle that only they show', () => {
    const round = rewritingOf([
      { alias: 'a@.x.example', to: ['b'] },
      { alias: 'b@.x.example', to: ['a'] },
    ]);
    expect(take(round, 'a@sub.x.example', 'c@sub.x.example')).toMatchObject({
      replies: ['451 4.3.5', 'taken'],
      paths: ['c@sub.x.example'],
    });
  });

  it('whose alias leads to /dev/null are there, to be dropped (R64)', () => {
    const rewriting = rewritingOf([{ alias: 'void@x.example', to: ['/dev/null'] }]);
    expect(take(rewriting, 'void@x.example', 'u@x.example', 'void@x.example').taken.recipients).toMatchObject([
      { forwardPath: 'void@x.example', discardedBy: 'void@x.example' },
      { forwardPath: 'u@x.example' },
    ]);
  });
});
