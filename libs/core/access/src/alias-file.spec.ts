import { describe, expect, it } from 'vitest';
import {
  printAliasFile,
  printDomainMapFile,
  readAliasFile,
  readDomainMapFile,
  readVirtualAliases,
} from './alias-file.ts';
import type { ReadRows } from './read-rows.ts';

function rowsOf<Row>(read: ReadRows<Row>): readonly Row[] {
  if (read.kind === 'faults') throw new Error(JSON.stringify(read.faults));
  return read.rows;
}

const faultsOf = (read: ReadRows<unknown>): string[] =>
  read.kind === 'read' ? [] : read.faults.map(({ line, token }) => `${line} ${token}`);

describe('the text of an alias table (R136)', () => {
  const text = `# aliases that hold everywhere
admin@example.com: administrator@example.com

[example.com, .example.org]
  joe, fred: joseph@example.com,
     archive@example.net
kent: joe
nobody: /DEV/NULL
"a:b,c"@example.com : x@[IPv6:2001:db8::1]
`;

  it('is that of AsyncOS: global aliases, then those of the domains in brackets', () => {
    expect(rowsOf(readAliasFile(text)).map(({ alias, to }) => `${alias} = ${to.join(' ')}`)).toEqual([
      'admin@example.com = administrator@example.com',
      'joe@example.com = joseph@example.com archive@example.net',
      'joe@.example.org = joseph@example.com archive@example.net',
      'fred@example.com = joseph@example.com archive@example.net',
      'fred@.example.org = joseph@example.com archive@example.net',
      'kent@example.com = joe',
      'kent@.example.org = joe',
      'nobody@example.com = /dev/null',
      'nobody@.example.org = /dev/null',
      '"a:b,c"@example.com = x@[IPv6:2001:db8::1]',
    ]);
  });

  it('is printed so that it reads the same', () => {
    const rows = rowsOf(readAliasFile(text));
    expect(rowsOf(readAliasFile(printAliasFile(rows)))).toEqual(rows);
  });

  it('tells every fault with its line', () => {
    expect(
      faultsOf(
        readAliasFile(
          'joe: a@x.example\n[x.example\n[bad domain]\n[x.example]\nno colon\na: b\nb: c\n\nc: a\na: d\ne: @y.example\n',
        ),
      ),
    ).toEqual(['1 joe', '2 [x.example', '3 bad domain', '5 no colon', '10 a@x.example', '11 @y.example']);
    expect(faultsOf(readAliasFile('[x.example]\na: b\n\nb: a\n'))).toEqual(['2 a@x.example', '4 b@x.example']);
    expect(faultsOf(readAliasFile('a@x.example:\n'))).toEqual(['1 a@x.example']);
  });
});

describe('a virtual alias table of Postfix (R195)', () => {
  it('reads with whole addresses before whole domains', () => {
    const read = readVirtualAliases(
      '# comment\n@x.example   all@y.example\nann@x.example ann@y.example,\n   bob@y.example carl@z.example\n\n',
    );
    expect(rowsOf(read).map(({ alias, to }) => `${alias} = ${to.join(' ')}`)).toEqual([
      'ann@x.example = ann@y.example bob@y.example carl@z.example',
      '@x.example = all@y.example',
    ]);
  });

  it('tells what has no counterpart, with its line', () => {
    expect(
      faultsOf(readVirtualAliases('x.example anything\nann ann@y.example\n@x.example @y.example\nbob@x.example bob\n')),
    ).toEqual(['1 x.example', '2 ann', '3 @y.example', '4 bob']);
  });
});

describe('the text of a domain map (R136)', () => {
  it('is a pair a line, and is printed so that it reads the same', () => {
    const read = rowsOf(
      readDomainMapFile(
        '# old names\n@.old.example  @new.example\n@old.example --> @new.example\nann@a.example: b@c.example\n',
      ),
    );
    expect(read).toEqual([
      { from: '@.old.example', to: '@new.example' },
      { from: '@old.example', to: '@new.example' },
      { from: 'ann@a.example', to: 'b@c.example' },
    ]);
    expect(rowsOf(readDomainMapFile(printDomainMapFile(read)))).toEqual(read);
    expect(faultsOf(readDomainMapFile('one\n@a.example @b.example more\nx@a.example @b.example\n'))).toEqual([
      '1 one',
      '2 @a.example @b.example more',
      '3 @b.example',
    ]);
  });
});
