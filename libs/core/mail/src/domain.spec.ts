import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseDomain } from './domain.ts';

describe('a domain', () => {
  it.each([
    ['EXAMPLE.com.', 'example.com'],
    ['_dmarc.example.com', '_dmarc.example.com'],
    ['b\u00fccher.example', 'xn--bcher-kva.example'],
    ['XN--BCHER-KVA.example', 'xn--bcher-kva.example'],
    ['example\u3002com', 'example.com'],
    ['\uff45xample.com', 'example.com'],
    ['\u212aelvin.example', 'kelvin.example'],
    ['stra\u00dfe.example', 'xn--strae-oqa.example'],
    ['constructor', 'constructor'],
  ])('%s compares as %s (R20)', (name, domain) => {
    expect(parseDomain(name)).toBe(domain);
  });

  it.each([
    '',
    '.',
    'a..b',
    '.a',
    'a..',
    '-a.example',
    'a-.example',
    'a b',
    'a@b',
    'a/b',
    'a\0b',
    'xn--a',
    `${'a'.repeat(64)}.b`,
    'a.'.repeat(127) + 'ab',
    '\ud800.example',
    '[192.0.2.1]',
    '*',
  ])('%j is none (R7)', (name) => {
    expect(parseDomain(name)).toBeUndefined();
  });

  it('is its own comparable form, and no text makes it throw', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.string({ unit: 'grapheme' }), fc.domain()), (name) => {
        const domain = parseDomain(name);
        if (domain !== undefined) expect(parseDomain(domain)).toBe(domain);
      }),
      { numRuns: 2000 },
    );
  });
});
