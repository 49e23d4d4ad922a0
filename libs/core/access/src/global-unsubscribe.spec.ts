import { parseMailbox } from '@mailyard/mail';
import { describe, expect, it } from 'vitest';
import { printUnsubscribedFile, readUnsubscribedFile } from './alias-file.ts';
import { GlobalUnsubscribe } from './global-unsubscribe.ts';

describe('global unsubscribe (R148)', () => {
  const list = GlobalUnsubscribe.read([
    { recipient: 'joe@example.com', action: 'bounce' },
    { recipient: '@example.com', action: 'drop' },
    { recipient: '@.example.com', action: 'bounce' },
    { recipient: 'noreply@', action: 'drop' },
  ]) as GlobalUnsubscribe;

  it.each([
    ['JOE@Example.com', 'joe@example.com bounce'],
    ['ann@example.com', '@example.com drop'],
    ['ann@a.b.example.com', '@.example.com bounce'],
    ['noreply@other.test', 'noreply@ drop'],
    ['noreply@example.com', '@example.com drop'],
    ['ann@other.test', undefined],
    ['postmaster', undefined],
  ])('keeps mail from %s by the first row that names it', (recipient, expected) => {
    const row = list.rowFor(parseMailbox(recipient)!);
    expect(row && `${row.recipient} ${row.action}`).toBe(expected);
  });

  it('names somebody: all mail is a matter of the route ALL', () => {
    const faults = GlobalUnsubscribe.read([
      { recipient: 'ALL', action: 'drop' },
      { recipient: 'example.com', action: 'drop' },
      { recipient: '192.0.2.1', action: 'drop' },
    ]);
    expect(faults).toMatchObject([0, 1, 2].map((place) => ({ field: `globalUnsubscribe[${place}].recipient` })));
    expect(GlobalUnsubscribe.EMPTY.rowFor(parseMailbox('joe@example.com')!)).toBeUndefined();
  });

  it('has the text of AsyncOS, a recipient a line, and is printed so that it reads the same', () => {
    const text = '# exported\njoe@example.com bounce\n@example.com\n@.example.org drop\n';
    const read = readUnsubscribedFile(text);
    if (read.kind === 'faults') throw new Error(JSON.stringify(read.faults));
    expect(printUnsubscribedFile(read.rows)).toBe('joe@example.com bounce\n@example.com\n@.example.org\n');
    expect(readUnsubscribedFile(printUnsubscribedFile(read.rows))).toEqual(read);
    const faulty = readUnsubscribedFile('joe@example.com refuse\nexample.com\n@a.example\n@A.example\n');
    expect(faulty.kind === 'faults' && faulty.faults.map(({ line }) => line)).toEqual([1, 2, 4]);
  });
});
