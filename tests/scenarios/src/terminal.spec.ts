/** The command line in a real terminal and in real shells. */
import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { findProgram } from '@mailyard/testkit/services/command';
import { describeWith } from '@mailyard/testkit/services/require-service';
import { describe, expect, it } from 'vitest';
import type { Gateway } from './gateway.ts';
import { Scenario } from './scenario.ts';

const PROGRAM = join(import.meta.dirname, '../../../bin/mailyard');
const CTRL_C = '\u{3}';
const TAB = '\t';

type Step = readonly [wanted: string, keys: string];

/** Types into a program and returns what its terminal showed, with `status N` as the last line. */
async function type(command: readonly string[], steps: readonly Step[], more: object = {}): Promise<string> {
  const play = JSON.stringify({ command, steps, rows: 24, ...more });
  const { stdout } = await promisify(execFile)('python3', [join(import.meta.dirname, 'terminal.py'), play]).catch(
    (error: { stdout: string; stderr: string }) => {
      throw new Error(`${error.stderr}\n${error.stdout}`);
    },
  );
  return stdout;
}

const smtproutes = (gateway: Gateway, ...words: string[]) => [
  PROGRAM,
  'smtproutes',
  ...words,
  '--server',
  gateway.address('grpc'),
];

/** A gateway with so many routes that a page does not hold them. */
async function withRoutes(scenario: Scenario): Promise<Gateway> {
  const gateway = await scenario.gateway();
  const file = join(scenario.folder, 'routes');
  await writeFile(file, Array.from({ length: 50 }, (_, n) => `d${n}.example h${n}.example\n`).join(''));
  await gateway.command('smtproutes', 'import', file, 'yes');
  return gateway;
}

const missing = findProgram('python3') === undefined ? ' (python3 is missing)' : '';
const PROMPT = '[]> ';

describe.skipIf(missing !== '')(`smtproutes in a terminal${missing}`, () => {
  it('completes words and domains at Tab, and has earlier lines at the arrow keys', async () => {
    await using scenario = await Scenario.begin();
    const gateway = await withRoutes(scenario);
    const shown = await type(smtproutes(gateway), [
      [PROMPT, 'ed'],
      ['ed', TAB],
      ['it', '\r'],
      ['want to edit', ''],
      [PROMPT, 'd42'],
      ['d42', TAB],
      ['.example', '\r'],
      ['[h42.example]> ', '\r'],
      ['The route for d42.example stays as it is.', ''],
      [PROMPT, '\u{1B}[A'],
      ['d42.example', '\u{1B}[A'],
      ['edit', '\r'],
      ['want to edit', ''],
      [PROMPT, '\r'],
      ['There are currently 50 routes', ''],
      [PROMPT, '\r'],
    ]);
    expect(shown).toMatch(/status 0\n$/);
    expect(shown).not.toContain('not committed');
  });

  it('takes back a question at Ctrl-C, and asks before it leaves with changes pending (R204)', async () => {
    await using scenario = await Scenario.begin();
    const gateway = await scenario.gateway();
    const shown = await type(smtproutes(gateway), [
      [PROMPT, 'new\r'],
      [PROMPT, 'half-typed'],
      ['half-typed', CTRL_C],
      ['There are currently 0 routes', ''],
      [PROMPT, 'new\r'],
      [PROMPT, 'a.example\r'],
      [PROMPT, '/dev/null\r'],
      ['Mail for a.example will be dropped.', ''],
      [PROMPT, CTRL_C],
      ['1 change is not committed yet. Leave without committing?', ''],
      ['[N]> ', CTRL_C],
    ]);
    expect(shown).toMatch(/1 uncommitted change[^]*status 1\n$/);
    expect((await gateway.command('smtproutes', 'print')).stdout).toBe('ALL:\n');
  });

  it('pages what does not fit, in the dialogue and outside, and nothing in a pipe (R184)', async () => {
    await using scenario = await Scenario.begin();
    const gateway = await withRoutes(scenario);
    const first = await type(smtproutes(gateway, 'print'), [['-- more', 'q\r']]);
    expect(first.match(/ h\d+\.example$/gm)).toHaveLength(23);
    expect(first).toMatch(/status 0\n$/);
    const all = await type(smtproutes(gateway), [
      [PROMPT, 'print\r'],
      ['-- more', '\r'],
      ['-- more', '\r'],
      ['ALL:', ''],
      [PROMPT, '\r'],
    ]);
    expect(all.match(/ h\d+\.example$/gm)).toHaveLength(50);
    expect((await gateway.command('smtproutes', 'print')).stdout.match(/ h\d+\.example$/gm)).toHaveLength(50);
  });

  it('is coloured in a terminal only, and not where NO_COLOR is set', async () => {
    await using scenario = await Scenario.begin();
    const gateway = await scenario.gateway();
    await gateway.command('smtproutes', 'new', 'a.example', 'h.example');
    const diff = [PROGRAM, 'diff', '1', '--server', gateway.address('grpc')];
    const line = '+ a.example  h.example';
    expect(await type(diff, [], { raw: true })).toContain(`\u{1B}[32m${line}\u{1B}[0m`);
    expect(await type(diff, [], { raw: true, env: { NO_COLOR: '1' } })).toMatch(/^\+ a\.example {2}h\.example\n/);
    expect((await gateway.command('diff', '1')).stdout).toBe(`${line}\n`);
  });
});

const completed: readonly [typed: string, shown: string][] = [
  ['smtpr', 'smtproutes'],
  ['smtproutes exp', 'smtproutes export'],
  ['smtproutes import routes --dry', 'smtproutes import routes --dry-run'],
  ['apply --sh', 'apply --show'],
  ['smtproutes import rou', 'smtproutes import routes.txt'],
];

describe.skipIf(missing !== '')(`completion in bash${missing}`, () => {
  it.each(completed)('makes of %j at Tab %j', async (typed, shown) => {
    await using scenario = await Scenario.begin();
    await writeFile(join(scenario.folder, 'routes.txt'), '');
    const seen = await type(
      ['bash', '--norc', '-i'],
      [
        [
          '$ ',
          `cd ${scenario.folder}; PATH=${join(PROGRAM, '..')}:$PATH; eval "$(mailyard completion bash)"; echo re""ady\r`,
        ],
        ['ready', `mailyard ${typed}${TAB}`],
        [`mailyard ${shown}`, `${CTRL_C}exit\r`],
      ],
      { env: { PS1: '$ ' } },
    );
    expect(seen).toContain(`mailyard ${shown}`);
  });
});

await describeWith(['zsh'], 'completion in zsh', () => {
  it.skipIf(missing !== '').each(completed)('makes of %j at Tab %j', async (typed, shown) => {
    await using scenario = await Scenario.begin();
    await writeFile(join(scenario.folder, 'routes.txt'), '');
    const seen = await type(
      ['zsh', '-f', '-i'],
      [
        [
          '$ ',
          `unsetopt zle_bracketed_paste; cd ${scenario.folder}; path=(${join(PROGRAM, '..')} $path); autoload -Uz compinit; compinit -D -u; eval "$(mailyard completion zsh)"; echo re""ady\r`,
        ],
        ['ready', `mailyard ${typed}${TAB}`],
        [`mailyard ${shown}`, `${CTRL_C}exit\r`],
      ],
      { env: { PS1: '$ ' } },
    );
    expect(seen).toContain(`mailyard ${shown}`);
  });
});
