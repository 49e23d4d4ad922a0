import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { en } from './en.ts';
import { ja } from './ja.ts';

/** Every text with its place; functions are called with sample values. */
function* texts(words: unknown, place = ''): Iterable<readonly [place: string, text: string]> {
  if (typeof words === 'string') yield [place, words];
  else if (typeof words === 'function')
    yield [place, String((words as (...values: unknown[]) => unknown)(7, 8, 9, 10))];
  else for (const [name, value] of Object.entries(words as object)) yield* texts(value, `${place}.${name}`);
}

describe('the catalogues', () => {
  it('have a text at every place, in both languages', () => {
    const english = new Map(texts(en));
    const japanese = new Map(texts(ja));
    for (const [place, text] of english) {
      expect(text.trim(), place).not.toBe('');
      expect(japanese.get(place)?.trim(), place).toBeTruthy();
    }
  });

  it('say in Japanese what is said in English: kana or kanji wherever the text is no name', () => {
    const names =
      /^\.(product|language|common\.(comma|stop)|otherLanguage\.\w+|tracking\.(headerId|helo|icid|dcid|byWhat\.headerMessageId)|faults\..*)$/;
    for (const [place, text] of texts(ja)) {
      if (!names.test(place)) expect(text, place).toMatch(/[\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Han}]/u);
    }
  });
});

/** The codes of one section of the page of codes. */
function codesOf(section: string): string[] {
  const page = readFileSync(join(import.meta.dirname, '../../../../../docs/reference/errors.md'), 'utf8');
  const text = page.split(/^## /m).find((part) => part.startsWith(`${section}\n`));
  return [...text!.matchAll(/^\| `([A-Z_]+)` \|/gm)].map((match) => match[1]!);
}

describe('the codes of docs/reference/errors.md', () => {
  it.each([
    ['Refusals of the HTTP API', 'problems', ['AWAY']],
    ['Faults of changes', 'faults', []],
    ['Remarks', 'remarks', []],
  ] as const)(
    'have Japanese words each, and there are no words for codes that are not listed: %s',
    (section, name, own) => {
      const codes = codesOf(section);
      expect(codes.length).toBeGreaterThan(5);
      expect(Object.keys(ja[name]).toSorted()).toEqual([...codes, ...own].toSorted());
      // What has no words in English is told in the gateway's own.
      expect([...codes, ...own]).toEqual(expect.arrayContaining(Object.keys(en[name])));
    },
  );
});
