import * as fc from 'fast-check';
import { parseMailbox } from '@mailyard/mail';
import { describe, expect, it } from 'vitest';
import { matches, readRecipientPattern, type Subject } from './address-pattern.ts';
import { type RecipientAccessEntry, RecipientAccessTable } from './recipient-access-table.ts';

function table(...rows: string[]): RecipientAccessTable {
  const read = RecipientAccessTable.read(
    rows.map((row) => {
      const [recipient, action] = row.split(' ') as [string, 'ACCEPT' | 'REJECT'];
      return { recipient, action };
    }),
  );
  if (!(read instanceof RecipientAccessTable)) throw new Error(JSON.stringify(read));
  return read;
}

const subject = (text: string): Subject => parseMailbox(text)!;

describe('the recipient access table', () => {
  it.each([
    ['example.com ACCEPT', 'u@example.com', 'ACCEPT'],
    ['example.com ACCEPT', 'u@EXAMPLE.COM.', 'ACCEPT'],
    ['example.com ACCEPT', 'u@foo.example.com', 'REJECT'],
    ['.example.com ACCEPT', 'u@a.b.example.com', 'ACCEPT'],
    ['.example.com ACCEPT', 'u@example.com', 'REJECT'],
    ['.example.com ACCEPT', 'u@notexample.com', 'REJECT'],
    ['u@example.com ACCEPT', 'U@example.com', 'ACCEPT'],
    ['u@example.com ACCEPT', 'v@example.com', 'REJECT'],
    ['u@ ACCEPT', 'u@anywhere.test', 'ACCEPT'],
    ['[192.0.2.1] ACCEPT', 'u@[192.0.2.1]', 'ACCEPT'],
    ['[IPv6:2001:DB8::1] ACCEPT', 'u@[IPv6:2001:db8:0::1]', 'ACCEPT'],
    ['example.com ACCEPT', 'u@[192.0.2.1]', 'REJECT'],
    ['example.com ACCEPT', 'u%example.com@elsewhere.test', 'REJECT'],
    ['ALL ACCEPT', 'u@elsewhere.test', 'ACCEPT'],
    ['example.com ACCEPT', 'postmaster', 'ACCEPT'],
    ['b\u00fccher.example ACCEPT', 'u@xn--bcher-kva.example', 'ACCEPT'],
    ['__proto__ ACCEPT', 'u@constructor', 'REJECT'],
  ])('%s: %s is answered %s (R132)', (row, recipient, action) => {
    expect(table(row).verdict(subject(recipient)).action).toBe(action);
  });

  it('takes the first entry that matches, in either order (R133)', () => {
    expect(table('u@example.com REJECT', 'example.com ACCEPT').verdict(subject('u@example.com'))).toMatchObject({
      action: 'REJECT',
      matched: 'u@example.com',
    });
    expect(table('example.com ACCEPT', 'u@example.com REJECT').verdict(subject('u@example.com'))).toMatchObject({
      action: 'ACCEPT',
      matched: 'example.com',
    });
  });

  it('refuses everyone while it is empty (R131)', () => {
    expect(table().verdict(subject('u@example.com'))).toMatchObject({
      action: 'REJECT',
      reply: { code: 550, enhancedStatus: '5.7.1' },
    });
    expect(table().verdict(subject('postmaster')).action).toBe('REJECT');
  });

  it('answers in the words of the entry (R134)', () => {
    const read = RecipientAccessTable.read([
      { recipient: 'old.example', action: 'REJECT', reply: { code: 551, text: 'moved' } },
    ]);
    expect(read instanceof RecipientAccessTable && read.verdict(subject('u@old.example')).reply).toEqual({
      code: 551,
      enhancedStatus: '5.7.1',
      text: 'moved',
    });
  });

  it('tells all faults of a table at once', () => {
    const entries: RecipientAccessEntry[] = [
      { recipient: '*.example.com', action: 'ACCEPT' },
      { recipient: 'example.com', action: 'ACCEPT' },
      { recipient: 'EXAMPLE.com.', action: 'REJECT' },
      { recipient: 'x.example', action: 'REJECT', reply: { code: 250, text: 'fine' } },
      { recipient: 'y.example', action: 'REJECT', reply: { code: 550, text: 'two\r\nlines' } },
    ];
    const faults = RecipientAccessTable.read(entries);
    expect(Array.isArray(faults) && faults.map(({ code, field }) => `${code} ${field}`)).toEqual([
      'RAT_RECIPIENT_INVALID entries[0].recipient',
      'RAT_DUPLICATE entries[2].recipient',
      'RAT_REPLY_INVALID entries[3].reply',
      'RAT_REPLY_INVALID entries[4].reply',
    ]);
  });

  it('agrees with a walk through the list', () => {
    const pattern = fc.constantFrom(
      'ALL',
      'a@',
      'b@',
      'a@x.test',
      'b@y.x.test',
      'x.test',
      'y.x.test',
      '.x.test',
      '.test',
      '[192.0.2.1]',
      'a@[192.0.2.1]',
    );
    const address = fc.constantFrom(
      'a@x.test',
      'A@y.x.test',
      'b@y.x.test',
      'c@z.y.x.test',
      'c@test',
      'a@[192.0.2.1]',
      'c@[192.0.2.1]',
      'c@notx.test',
    );
    fc.assert(
      fc.property(fc.uniqueArray(pattern), fc.infiniteStream(fc.boolean()), address, (recipients, accepts, text) => {
        const entries = recipients.map(
          (recipient): RecipientAccessEntry => ({ recipient, action: accepts.next().value ? 'ACCEPT' : 'REJECT' }),
        );
        const read = RecipientAccessTable.read(entries);
        if (!(read instanceof RecipientAccessTable)) throw new Error(JSON.stringify(read));
        const naive = entries.find((entry) => matches(readRecipientPattern(entry.recipient)!, subject(text)));
        expect(read.verdict(subject(text)).action).toBe(naive?.action ?? 'REJECT');
        if (naive !== undefined) expect(read.verdict(subject(text)).matched).toBe(naive.recipient);
      }),
      { numRuns: 2000 },
    );
  });
});
