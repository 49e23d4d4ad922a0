import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { findBreaches } from './boundaries.ts';

let root = '';

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'boundaries-'));
  writeFileSync(join(root, 'package.json'), JSON.stringify({ workspaces: ['libs/*', 'services/*'] }));
  project('libs/core', '@x/core', ['type:core', 'scope:shared'], []);
  project('libs/rules', '@x/rules', ['type:core', 'scope:delivery'], ['@x/core']);
  project('libs/disk', '@x/disk', ['type:driver', 'scope:shared'], ['@x/core']);
  project('services/in', '@x/in', ['type:service', 'scope:ingress'], ['@x/core', '@x/disk', '@x/out', '@x/rules']);
  project('services/out', '@x/out', ['type:service', 'scope:delivery'], ['@x/core']);
});
afterEach(() => rmSync(root, { recursive: true }));

function project(folder: string, name: string, tags: string[], dependencies: string[]): void {
  mkdirSync(join(root, folder), { recursive: true });
  const manifest = {
    name,
    nx: { tags },
    dependencies: Object.fromEntries(dependencies.map((dependency) => [dependency, '*'])),
  };
  writeFileSync(join(root, folder, 'package.json'), JSON.stringify(manifest));
}

function rulesFor(file: string, source: string): string[] {
  writeFileSync(join(root, file), source);
  return findBreaches(root).map((breach) => breach.rule);
}

describe('the boundary rule', () => {
  it('finds nothing in this workspace', () => {
    expect(findBreaches(join(import.meta.dirname, '..'))).toEqual([]);
  });

  it('lets a service use the core and a driver', () => {
    expect(rulesFor('services/in/a.ts', "import { x } from '@x/core';\nimport { y } from '@x/disk';")).toEqual([]);
  });

  it('lets a project be imported by the entries that it exports, and by no other path', () => {
    writeFileSync(
      join(root, 'libs/disk/package.json'),
      JSON.stringify({
        name: '@x/disk',
        nx: { tags: ['type:driver', 'scope:shared'] },
        exports: { './*': './src/*.ts' },
      }),
    );
    expect(rulesFor('services/in/a.ts', "import { x } from '@x/disk/part';")).toEqual([]);
    expect(rulesFor('services/in/a.ts', "import { x } from '@x/core/part';")).toEqual([
      'a project is imported by its name, never by a path into it',
    ]);
  });

  it.each([
    ['a core that imports a driver', 'libs/core/a.ts', "import { x } from '@x/disk';", /not among the dependencies/],
    ['a core that imports Node', 'libs/core/a.ts', "import { readFileSync } from 'node:fs';", /pure/],
    ['a core that imports a package', 'libs/core/a.ts', "import x from 'lodash';", /pure/],
    [
      'a service that imports a service',
      'services/in/a.ts',
      "import { x } from '@x/out';",
      /type:service may not import type:service/,
    ],
    [
      'a service that reaches into another context',
      'services/in/a.ts',
      "import { x } from '@x/rules';",
      /scope:ingress may not see scope:delivery/,
    ],
    ['a path into another project', 'services/in/a.ts', "import { x } from '../out/a.ts';", /by its name/],
    ['a path behind a project name', 'services/in/a.ts', "import { x } from '@x/core/inner.ts';", /by its name/],
    ['a re-export over several lines', 'libs/core/a.ts', "export {\n  a,\n  b,\n} from 'node:net';", /pure/],
  ])('refuses %s', (_name, file, source, rule) => {
    expect(rulesFor(file, source)).toEqual([expect.stringMatching(rule)]);
  });
});
