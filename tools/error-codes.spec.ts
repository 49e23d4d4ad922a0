import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';

const root = join(import.meta.dirname, '..');
const read = (file: string): string => readFileSync(join(root, file), 'utf8');

/** The codes that a section of the page lists, in its order. */
function listed(section: string): string[] {
  const text = read('docs/reference/errors.md')
    .split(/^## /m)
    .find((part) => part.startsWith(`${section}\n`));
  return [...text!.matchAll(/^\| `([A-Z_]+)` \|/gm)].map((match) => match[1]!);
}

function thrown(): string[] {
  const files = globSync('{libs,services}/**/src/**/*.ts', {
    cwd: root,
    exclude: (name) => name === 'node_modules' || name === 'dist',
  });
  const codes = files
    .filter((file) => !/\.(spec|suite)\.ts$/.test(file) && !file.includes('/testkit/'))
    .flatMap((file) => [...read(file).matchAll(/new MtaError\(\s*'([A-Z_]+)'/g)].map((match) => match[1]!));
  return [...new Set(codes)].toSorted();
}

/** The members of the union of codes in a file. */
const union = (file: string): string[] => [...read(file).matchAll(/^ {2}\| '([A-Z_]+)'/gm)].map(([, code]) => code!);

describe('docs/reference/errors.md', () => {
  it('lists every code that the source can throw, once, and no other', () => {
    expect(listed('Errors')).toEqual(thrown());
  });

  it('lists every code that the HTTP API refuses with, every fault and every remark, and no other', () => {
    expect(listed('Refusals of the HTTP API')).toEqual(union('services/admin/src/http/api-refusal.ts'));
    expect(listed('Faults of changes')).toEqual([
      ...union('libs/core/smtp-routes/src/route-fault.ts'),
      ...union('libs/core/access/src/access-fault.ts'),
      ...union('libs/core/configuration/src/validate.ts'),
    ]);
    const remarks = [...read('libs/core/mail/src/remark.ts').matchAll(/^ {2}([A-Z_]+): \(/gm)].map(([, code]) => code);
    expect(listed('Remarks')).toEqual(remarks);
  });
});
