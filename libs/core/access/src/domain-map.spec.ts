import { parseMailbox } from '@mailyard/mail';
import { describe, expect, it } from 'vitest';
import type { AccessFault } from './access-fault.ts';
import { AliasTable } from './alias-table.ts';
import { DomainMap, MAX_DOMAIN_MAP_ROWS } from './domain-map.ts';
import { RecipientRewriting } from './recipient-rewriting.ts';

function read(...rows: readonly (readonly [from: string, to: string])[]): DomainMap {
  const map = DomainMap.read(rows.map(([from, to]) => ({ from, to })));
  if (!(map instanceof DomainMap)) throw new Error(JSON.stringify(map));
  return map;
}

describe('the domain map (R136)', () => {
  const map = read(
    ['joe@old.example', 'joseph@new.example'],
    ['abuse@.old.example', 'abuse@new.example'],
    ['@.old.example', '@new.example'],
    ['@old.example', '@new.example'],
    ['@all.example', 'box@new.example'],
    ['@new.example', '@newer.example'],
  );

  it.each([
    ['joe@old.example', 'joseph@new.example'],
    ['JOE@old.example', 'joseph@new.example'],
    ['Ann@old.example', 'Ann@new.example'],
    ['"a b"@old.example', '"a b"@new.example'],
    ['ann@sub.old.example', 'ann@new.example'],
    ['abuse@a.b.old.example', 'abuse@new.example'],
    ['anyone@all.example', 'box@new.example'],
    // Once: what it leads to is not looked up again.
    ['ann@new.example', 'ann@newer.example'],
    ['ann@other.example', undefined],
    ['postmaster', undefined],
  ])('takes %s as %s', (address, expected) => {
    expect(map.map(parseMailbox(address)!)?.mailbox.address).toBe(expected);
  });

  it('goes before the alias table, and tells both rows', () => {
    const aliases = AliasTable.read([{ alias: 'joseph@new.example', to: ['a', 'b'] }]) as AliasTable;
    const rewriting = new RecipientRewriting(map, aliases);
    expect(rewriting.rewrite(parseMailbox('joe@old.example')!)).toMatchObject({
      mapped: 'joe@old.example',
      alias: 'joseph@new.example',
      recipients: [{ address: 'a@new.example' }, { address: 'b@new.example' }],
    });
    expect(rewriting.rewrite(parseMailbox('x@other.example')!)).toBeUndefined();
    expect(RecipientRewriting.NONE.rewrite(parseMailbox('joe@old.example')!)).toBeUndefined();
  });

  it('needs SMTPUTF8 for a user only: domains of rows are taken in A-labels (R136, RFC 6531 §3.2)', () => {
    const idn = DomainMap.read([{ from: '@old.example', to: '@bücher.example' }]) as DomainMap;
    const aliases = AliasTable.read([
      { alias: 'joe@new.example', to: ['ann@bücher.example', 'josé@bücher.example'] },
    ]) as AliasTable;
    const rewriting = new RecipientRewriting(idn, aliases);
    expect(rewriting.rewrite(parseMailbox('x@old.example')!)).toMatchObject({
      recipients: [{ address: 'x@xn--bcher-kva.example', needsSmtpUtf8: false }],
    });
    expect(rewriting.rewrite(parseMailbox('joe@new.example')!)).toMatchObject({
      recipients: [
        { address: 'ann@xn--bcher-kva.example', needsSmtpUtf8: false },
        { address: 'josé@bücher.example', needsSmtpUtf8: true },
      ],
    });
  });

  it('tells all faults', () => {
    const rows = [
      { from: 'old.example', to: '@new.example' },
      { from: 'user@', to: 'a@new.example' },
      { from: 'joe@old.example', to: '@new.example' },
      { from: '@old.example', to: 'new.example' },
      { from: '@old.example', to: 'postmaster' },
    ];
    expect((DomainMap.read(rows) as readonly AccessFault[]).map(({ field }) => field)).toEqual([
      'domainMap[0].from',
      'domainMap[0].to',
      'domainMap[1].from',
      'domainMap[2].to',
      'domainMap[3].to',
      'domainMap[4].to',
    ]);
    const many = Array.from({ length: MAX_DOMAIN_MAP_ROWS + 1 }, (_, i) => ({
      from: `@d${i}.example`,
      to: '@n.example',
    }));
    expect(DomainMap.read(many)).toMatchObject([{ field: 'domainMap', token: '20001' }]);
    expect(DomainMap.read(many.slice(1))).toBeInstanceOf(DomainMap);
  });
});
