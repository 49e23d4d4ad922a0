import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { PathTable } from './path-table.ts';

const table = new PathTable<string>();
table.add('GET', '/a', 'list');
table.add('POST', '/a', 'make');
table.add('GET', '/a/{id}', 'one');
table.add('POST', '/a/check', 'check');
table.add('GET', '/a/check', 'checked');

describe('path table', () => {
  it('finds by method and path, a fixed segment before a parameter', () => {
    expect(table.find('GET', '/a')).toMatchObject({ value: 'list' });
    expect(table.find('GET', '/a/check')).toMatchObject({ value: 'checked' });
    expect(table.find('GET', '/a/b%2Fc')).toEqual({
      kind: 'found',
      value: 'one',
      parameters: new Map([['id', 'b/c']]),
    });
  });

  it('tells another method from another path', () => {
    expect(table.find('PUT', '/a')).toEqual({ kind: 'otherMethod', allowed: ['GET', 'POST'] });
    for (const path of ['/', '/a/', '/a/b/c', '/A', '/a/%', '/a/%C0%AE', '//a', '/__proto__'])
      expect(table.find('GET', path)).toEqual({ kind: 'none' });
  });

  it('gives a parameter back as it was before it was encoded', () => {
    fc.assert(
      fc.property(fc.string({ minLength: 1, unit: 'grapheme' }), (id) => {
        if (id === 'check' || !id.isWellFormed()) return;
        const found = table.find('GET', `/a/${encodeURIComponent(id)}`);
        expect(found.kind === 'found' && found.parameters.get('id')).toBe(id);
      }),
    );
  });
});
