import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';

const root = join(import.meta.dirname, '..');

function codesInSource(): string[] {
  const files = globSync('{libs,services}/**/src/**/*.ts', {
    cwd: root,
    exclude: (name) => name === 'node_modules' || name === 'dist',
  });
  const codes = files
    .filter((file) => !/\.(spec|suite)\.ts$/.test(file) && !file.includes('/testkit/'))
    .flatMap((file) =>
      [...readFileSync(join(root, file), 'utf8').matchAll(/new MtaError\(\s*'([A-Z_]+)'/g)].map((match) => match[1]!),
    );
  return [...new Set(codes)].toSorted();
}

describe('docs/reference/errors.md', () => {
  it('lists every code that the source can throw, once, and no other', () => {
    const page = readFileSync(join(root, 'docs/reference/errors.md'), 'utf8');
    const listed = [...page.matchAll(/^\| `([A-Z_]+)` \|/gm)].map((match) => match[1]!);
    expect(listed).toEqual(codesInSource());
  });
});
