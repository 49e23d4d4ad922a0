import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type BodyCanonicalization, BodyCanonicalizer } from './body-canonicalization.ts';

const octetsOf = (text: string): Uint8Array => Uint8Array.from(text, (character) => character.charCodeAt(0));
const textOf = (octets: Uint8Array): string => Array.from(octets, (octet) => String.fromCharCode(octet)).join('');

/** @param cuts places where one piece ends and the next begins */
function canonical(kind: BodyCanonicalization, body: string, cuts: readonly number[] = []): string {
  let text = '';
  const canonicalizer = new BodyCanonicalizer(kind, (octets) => (text += textOf(octets)));
  const octets = octetsOf(body);
  let from = 0;
  for (const cut of [...cuts.map((place) => place % (octets.length + 1)).sort((a, b) => a - b), octets.length]) {
    canonicalizer.write(octets.subarray(from, cut));
    from = cut;
  }
  canonicalizer.end();
  return text;
}

/** RFC 6376 §3.4.3 and §3.4.4 as they are written, line by line. */
function naive(kind: BodyCanonicalization, body: string): string {
  const lines = body.split('\r\n');
  const relaxed = kind === 'simple' ? lines : lines.map((line) => line.replace(/[ \t]+/g, ' ').replace(/ $/, ''));
  while (relaxed.length > 0 && relaxed.at(-1) === '') relaxed.pop();
  if (relaxed.length === 0) return kind === 'simple' ? '\r\n' : '';
  return `${relaxed.join('\r\n')}\r\n`;
}

const KINDS = ['simple', 'relaxed'] as const;

describe('BodyCanonicalizer', () => {
  it.each([
    ['relaxed', ' C \r\nD \t E\r\n\r\n\r\n', ' C\r\nD E\r\n'],
    ['simple', ' C \r\nD \t E\r\n\r\n\r\n', ' C \r\nD \t E\r\n'],
  ] as const)('makes of the example of RFC 6376 §3.4.5 the %s form', (kind, body, expected) => {
    expect(canonical(kind, body)).toBe(expected);
  });

  it.each([
    ['simple', '', '\r\n'],
    ['relaxed', '', ''],
    ['simple', '\r\n\r\n', '\r\n'],
    ['relaxed', '\r\n\r\n', ''],
    ['relaxed', ' \t \r\n\t\r\n', ''],
    ['simple', ' \r\n', ' \r\n'],
    ['relaxed', ' ', ''],
    ['relaxed', 'no end', 'no end\r\n'],
    ['simple', 'no end ', 'no end \r\n'],
    ['relaxed', 'no end \t', 'no end\r\n'],
    ['relaxed', '\r\n\r\nlate\r\n', '\r\n\r\nlate\r\n'],
    ['relaxed', '..dots\r\n.\r\n', '..dots\r\n.\r\n'],
  ] as const)('ends bodies as RFC 6376 §3.4.3 and §3.4.4 say: %s %j', (kind, body, expected) => {
    expect(canonical(kind, body)).toBe(expected);
  });

  it('gives back empty lines that were not the last, however many and however cut', () => {
    const body = `a\r\n${'\r\n'.repeat(50_000)}b\r\n${'\r\n'.repeat(50_000)}`;
    for (const kind of KINDS)
      for (const cuts of [[], [2], [3], [40_001], [70_000, 70_001, 100_004, 100_005]])
        expect(canonical(kind, body, cuts) === naive(kind, body), `${kind} ${cuts.join(' ')}`).toBe(true);
  });

  it('says the same as the rules line by line, whatever the body and wherever it is cut', () => {
    const line = fc.string({ unit: fc.constantFrom('a', 'b', ' ', ' ', '\t', '\u00a0', '\u00ff', '.'), maxLength: 60 });
    const bodies = fc.array(line, { maxLength: 12 }).map((lines) => lines.join('\r\n'));
    fc.assert(
      fc.property(fc.constantFrom(...KINDS), bodies, fc.array(fc.nat(), { maxLength: 8 }), (kind, body, cuts) => {
        expect(canonical(kind, body, cuts)).toBe(naive(kind, body));
      }),
      { numRuns: 2_000 },
    );
  });

  it('says the same of a body larger than what is looked at in one go', () => {
    const body = `${'x y  z \t\r\n'.repeat(20_000)}${' '.repeat(70_000)}end\r\n`;
    for (const kind of KINDS) expect(canonical(kind, body, [65_536, 131_073]) === naive(kind, body)).toBe(true);
  });
});
