import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { editHeader, type HeaderEdit, headerFields, headerLength } from './header-section.ts';

const octets = (text: string): Uint8Array => Uint8Array.from(text, (character) => character.charCodeAt(0));
const text = (content: Uint8Array): string => String.fromCharCode(...content);
const edit = (content: string, change: Partial<HeaderEdit>): string =>
  text(editHeader(octets(content), { remove: [], add: [], ...change }, octets));

const MESSAGE = 'Received: one\r\nSubject: a\r\n folded\r\nX-A: 1\r\nx-a: 2\r\n\r\nbody\r\n\r\nmore';

describe('a header section', () => {
  it('ends before the first empty line', () => {
    expect(headerLength(octets(MESSAGE))).toBe(MESSAGE.indexOf('\r\n\r\n') + 2);
    expect(headerLength(octets('\r\nbody'))).toBe(0);
    expect(headerLength(octets('A: 1\r\n'))).toBe(6);
    expect(headerLength(octets(''))).toBe(0);
  });

  it('has its fields in order, folded ones whole', () => {
    const content = octets(MESSAGE);
    const fields = headerFields(content);
    expect(fields.map((field) => field.name)).toEqual(['Received', 'Subject', 'X-A', 'x-a']);
  });

  it('stops at a line that is no field', () => {
    expect(headerFields(octets('A: 1\r\nno field\r\nB: 2\r\n\r\n')).map((field) => field.name)).toEqual(['A']);
  });

  it('takes names of the object prototype for names', () => {
    expect(headerFields(octets('__proto__: 1\r\nconstructor: 2\r\n\r\n')).map((field) => field.name)).toEqual([
      '__proto__',
      'constructor',
    ]);
  });

  it('loses every field of a removed name, and gains added ones at its end', () => {
    expect(edit(MESSAGE, { remove: ['X-a'], add: [{ name: 'X-B', value: '3' }] })).toBe(
      'Received: one\r\nSubject: a\r\n folded\r\nX-B: 3\r\n',
    );
  });

  it('has its subject tagged, folded or absent', () => {
    expect(edit(MESSAGE, { subjectTag: '[x]' })).toContain('\r\nSubject: [x] a\r\n folded\r\nX-A');
    expect(edit('Subject:a\r\n\r\n', { subjectTag: '[x]' })).toBe('Subject: [x] a\r\n');
    expect(edit('A: 1\r\n\r\n', { subjectTag: '[x]' })).toBe('A: 1\r\nSubject: [x]\r\n');
    expect(edit('\r\nbody', { subjectTag: '[x]' })).toBe('Subject: [x]\r\n');
  });

  it('has a tag put in front of an encoded subject, and on a line of its own where the line would be too long', () => {
    expect(edit('Subject: =?utf-8?B?w6k=?=\r\n\r\n', { subjectTag: '[x]' })).toBe('Subject: [x] =?utf-8?B?w6k=?=\r\n');
    const long = 'y'.repeat(985);
    expect(edit(`Subject: ${long}\r\n\r\n`, { subjectTag: '[x]' })).toBe(`Subject: [x] ${long}\r\n`);
    expect(edit(`Subject: ${long}z\r\n\r\n`, { subjectTag: '[x]' })).toBe(`Subject: [x]\r\n ${long}z\r\n`);
  });

  it('is unchanged by an edit of nothing, whatever the octets', () => {
    fc.assert(
      fc.property(
        fc.array(fc.constantFrom('A: 1', ' x', '\r\n', '\r', '\n', ':', 'b', '\u00ff'), { maxLength: 30 }),
        (pieces) => {
          const content = pieces.join('');
          expect(edit(content, {})).toBe(content.slice(0, headerLength(octets(content))));
        },
      ),
      { numRuns: 1000 },
    );
  });
});
