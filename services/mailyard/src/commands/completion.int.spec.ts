import { spawnSync } from 'node:child_process';
import { tmpdir } from 'node:os';
import { describe, expect, it } from 'vitest';
import { runProgram } from './served-routing.suite.ts';

describe('mailyard completion', () => {
  it.each([
    [['mailyard', 'smtpr'], ['smtproutes']],
    [
      ['mailyard', 'smtproutes', 'e'],
      ['edit', 'export'],
    ],
    [['mailyard', 'smtproutes', 'print', '--js'], ['--json']],
    [['mailyard', 'smtproutes', 'import', 'e'], []],
  ])('completes %j in bash', async (words, expected) => {
    const { stdout, status } = await runProgram(['completion', 'bash'], tmpdir());
    expect(status).toBe(0);
    const script = `${stdout}\nCOMP_WORDS=(${words.join(' ')}); COMP_CWORD=${words.length - 1}; _mailyard; printf '%s\\n' "\${COMPREPLY[@]}"`;
    const bash = spawnSync('bash', ['-c', script], { encoding: 'utf8' });
    expect(bash.stderr).toBe('');
    expect(bash.stdout.split('\n').filter((word) => word !== '')).toEqual(expected);
  });

  it('has a script for zsh, and knows no other shell', async () => {
    expect((await runProgram(['completion', 'zsh'], tmpdir())).stdout).toContain('compdef _mailyard mailyard');
    expect(await runProgram(['completion', 'fish'], tmpdir())).toMatchObject({ status: 64, stdout: '' });
  });
});
