/**
 * Who may import whom, by the Nx tags in each project's package.json. TypeScript 7 has no ESLint beside it, so the rule
 * that `@nx/enforce-module-boundaries` would check is checked here over the same tags.
 */
import { globSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';

/** A file that imports what its project may not. */
export interface Breach {
  readonly file: string;
  readonly imported: string;
  readonly rule: string;
}

/** By type: which types a project's sources may import, and its specs besides. */
const TYPES: Readonly<Record<string, { readonly sources: readonly string[]; readonly specs: readonly string[] }>> = {
  core: { sources: ['core'], specs: ['core'] },
  contract: { sources: ['core', 'contract'], specs: ['core', 'contract'] },
  driver: { sources: ['core', 'contract', 'driver'], specs: ['core', 'contract', 'driver', 'testkit'] },
  service: { sources: ['core', 'contract', 'driver'], specs: ['core', 'contract', 'driver', 'testkit'] },
  program: {
    sources: ['core', 'contract', 'driver', 'service', 'page'],
    specs: ['core', 'contract', 'driver', 'service', 'page', 'testkit'],
  },
  page: { sources: ['page'], specs: ['page', 'testkit'] },
  testkit: { sources: ['core', 'contract'], specs: ['core', 'contract'] },
  scenario: { sources: ['core', 'contract', 'testkit', 'driver'], specs: ['core', 'contract', 'testkit', 'driver'] },
  tool: { sources: [], specs: [] },
};

/** By scope: which scopes a project may see besides its own and `shared`. Programs put everything together. */
const SCOPES: Readonly<Record<string, readonly string[]>> = {
  ingress: [],
  routing: ['ingress'],
  delivery: [],
  admin: ['ingress', 'delivery'],
  shared: [],
};

/** npm packages that the pure core may use; everything else, Node included, stays outside. */
const CORE_PACKAGES: ReadonlySet<string> = new Set(['tr46']);

interface Project {
  readonly name: string;
  readonly folder: string;
  readonly type: string;
  readonly scope: string;
  readonly dependencies: ReadonlySet<string>;
  /** What may be imported of it, as its package.json has it: `./records`, or `./*` where each source is an entry. */
  readonly exports: ReadonlySet<string>;
}

/** Finds every import that the tags forbid, in all workspaces of the folder. */
export function findBreaches(root: string): Breach[] {
  const projects = readProjects(root);
  const byName = new Map(projects.map((project) => [project.name, project]));
  const breaches: Breach[] = [];
  for (const project of projects) {
    const files = globSync('**/*.{ts,tsx}', {
      cwd: project.folder,
      exclude: (name) => ['node_modules', 'dist', '.test', 'gen'].includes(name),
    });
    for (const name of files) {
      const file = join(project.folder, name);
      for (const imported of importsOf(readFileSync(file, 'utf8'))) {
        const rule = brokenRule(project, file, imported, byName);
        if (rule !== undefined) breaches.push({ file: relative(root, file), imported, rule });
      }
    }
  }
  return breaches;
}

function readProjects(root: string): Project[] {
  const { workspaces } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { workspaces: string[] };
  return globSync(
    workspaces.map((pattern) => `${pattern}/package.json`),
    { cwd: root },
  ).map((path) => {
    const file = join(root, path);
    const manifest = JSON.parse(readFileSync(file, 'utf8')) as {
      name: string;
      nx?: { tags?: string[] };
      exports?: Record<string, string>;
      dependencies?: Record<string, string>;
      devDependencies?: Record<string, string>;
    };
    const tag = (kind: string): string =>
      manifest.nx?.tags?.find((text) => text.startsWith(`${kind}:`))?.slice(kind.length + 1) ?? '';
    const dependencies = new Set(Object.keys({ ...manifest.dependencies, ...manifest.devDependencies }));
    const exports = new Set(Object.keys(manifest.exports ?? {}));
    return {
      name: manifest.name,
      folder: dirname(file),
      type: tag('type'),
      scope: tag('scope'),
      dependencies,
      exports,
    };
  });
}

function* importsOf(source: string): Iterable<string> {
  const pattern =
    /(?:^|\n)\s*(?:import|export)\b[^'"`;]*?from\s*'([^']+)'|(?:^|\n)\s*import\s*'([^']+)'|\bimport\(\s*'([^']+)'/g;
  for (const match of source.matchAll(pattern)) yield (match[1] ?? match[2] ?? match[3])!;
}

function brokenRule(
  project: Project,
  file: string,
  imported: string,
  byName: ReadonlyMap<string, Project>,
): string | undefined {
  const isSpec = /\.(spec|suite)\.ts$/.test(file);
  if (imported.startsWith('.')) {
    const target = resolve(dirname(file), imported);
    return target.startsWith(`${project.folder}/`)
      ? undefined
      : 'a project is imported by its name, never by a path into it';
  }
  const name = imported.startsWith('@') ? imported.split('/').slice(0, 2).join('/') : imported.split('/')[0]!;
  const target = byName.get(name);
  if (target === undefined) {
    if (project.type === 'core' && !isSpec && !CORE_PACKAGES.has(name))
      return 'the core is pure: it imports no package and nothing of Node';
    return undefined;
  }
  // The star of an export stands for folders too, as Node reads it.
  const isEntry =
    imported === name || target.exports.has(`.${imported.slice(name.length)}`) || target.exports.has('./*');
  if (!isEntry) return 'a project is imported by its name, never by a path into it';
  if (target === project) return 'a project does not import itself by name';
  if (!project.dependencies.has(name)) return `${name} is not among the dependencies of ${project.name}`;
  const allowed = TYPES[project.type];
  if (allowed === undefined) return `type:${project.type} is no known type`;
  if (!(isSpec ? allowed.specs : allowed.sources).includes(target.type))
    return `type:${project.type} may not import type:${target.type}`;
  const free =
    project.type === 'program' ||
    project.type === 'scenario' ||
    project.type === 'testkit' ||
    project.type === 'contract';
  if (
    !free &&
    target.scope !== 'shared' &&
    target.scope !== project.scope &&
    !(SCOPES[project.scope] ?? []).includes(target.scope)
  ) {
    return `scope:${project.scope} may not see scope:${target.scope}`;
  }
  return undefined;
}
