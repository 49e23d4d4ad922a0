/**
 * `npm test`: installs the neighbours that tests talk to, builds, lints, runs every project's specs and then the
 * scenarios, and ends with the line `N passed, N failed`.
 *
 *   npm test                    everything
 *   npm test -- --no-install    install nothing; a test whose neighbour is missing is skipped and says why
 *   npm test -- --quick         no scenarios
 *   npm test -- NAME…           only these projects (mail, queue, scenarios, …)
 */
import { spawnSync } from 'node:child_process';
import { globSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';

/** What a vitest run of one project left behind. */
interface Report {
  readonly success: boolean;
  readonly numPassedTests: number;
  readonly numFailedTests: number;
  readonly testResults: readonly {
    readonly name: string;
    readonly status: string;
    readonly message: string;
    readonly assertionResults: readonly {
      readonly fullName: string;
      readonly status: string;
      readonly meta?: { readonly skipReason?: string };
    }[];
  }[];
}

const SLOW = ['scenarios', 'load'];
const root = join(import.meta.dirname, '..');
const words = process.argv.slice(2);
const names = words.filter((word) => !word.startsWith('--'));
const installs = !words.includes('--no-install');
const environment = {
  ...process.env,
  NX_DAEMON: 'false',
  NX_TUI: 'false',
  ...(installs ? {} : { MAILYARD_NO_INSTALL: '1' }),
};
let passed = 0;
let failed = 0;

const run = (command: string, ...args: string[]): boolean =>
  spawnSync(command, args, { cwd: root, env: environment, stdio: 'inherit' }).status === 0;
const nx = (...args: string[]): boolean => run(join(root, 'node_modules/.bin/nx'), ...args);

function check(name: string, holds: boolean): void {
  if (holds) passed += 1;
  else {
    failed += 1;
    process.stdout.write(`FAILED: ${name}\n`);
  }
}

function testProjects(title: string, projects: readonly string[], parallel: number): void {
  if (projects.length === 0) return;
  for (const old of globSync('{libs,services,tests}/**/.test/result.json', {
    cwd: root,
    exclude: ['**/node_modules/**'],
  })) {
    if (projects.some((project) => reportOf(project) === old)) rmSync(join(root, old));
  }
  const ran = nx(
    'run-many',
    '-t',
    'test',
    '-p',
    projects.map((project) => `@mailyard/${project}`).join(','),
    `--parallel=${parallel}`,
    '--skip-nx-cache',
    '--output-style=static',
    '--nxBail=false',
  );
  const before = failed;
  for (const project of projects) count(project);
  if (!ran && failed === before) check(`${title}: the run itself`, false);
}

function count(project: string): void {
  let report: Report;
  try {
    report = JSON.parse(readFileSync(join(root, reportOf(project)), 'utf8')) as Report;
  } catch {
    check(`${project}: its specs did not run to their end`, false);
    return;
  }
  passed += report.numPassedTests;
  failed += report.numFailedTests;
  for (const file of report.testResults) {
    if (file.status === 'failed' && file.assertionResults.every((test) => test.status !== 'failed'))
      check(`${file.name}: ${file.message}`, false);
    for (const test of file.assertionResults) {
      if (test.status === 'failed') process.stdout.write(`FAILED: ${project}: ${test.fullName}\n`);
      if (test.status === 'skipped' || test.status === 'pending')
        process.stdout.write(`SKIPPED: ${project}: ${test.fullName}\n`);
    }
  }
}

const folders = new Map(
  globSync('{libs/*,libs/core/*,libs/drivers/*,services/*,tests/*,tools}/package.json', { cwd: root }).map((path) => {
    const { name } = JSON.parse(readFileSync(join(root, path), 'utf8')) as { name: string };
    return [name.replace('@mailyard/', ''), path.slice(0, -'/package.json'.length)];
  }),
);

function reportOf(project: string): string {
  return `${folders.get(project)}/.test/result.json`;
}

const unknown = names.filter((name) => !folders.has(name));
if (unknown.length > 0) {
  process.stderr.write(`no such project: ${unknown.join(', ')}; there are: ${[...folders.keys()].sort().join(', ')}\n`);
  process.exit(64);
}
const chosen = names.length > 0 ? names : [...folders.keys()];

if (installs) check('install the neighbours', run(process.execPath, 'libs/testkit/src/services/install.ts'));
check('build', nx('run-many', '-t', 'build', '--output-style=static'));
check('lint', run(process.execPath, 'tools/lint.ts'));
testProjects(
  'specs',
  chosen.filter((name) => !SLOW.includes(name)),
  2,
);
if (!words.includes('--quick'))
  testProjects(
    'scenarios',
    chosen.filter((name) => SLOW.includes(name)),
    1,
  );
process.stdout.write(`\n${passed} passed, ${failed} failed\n`);
process.exitCode = failed === 0 ? 0 : 1;
