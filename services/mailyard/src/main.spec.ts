import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, mkdtempSync, openSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';

const program = join(import.meta.dirname, '../../../bin/mailyard');
const deploy = join(import.meta.dirname, '../../../deploy/settings');
const folder = mkdtempSync(join(tmpdir(), 'mailyard-'));
afterAll(() => rmSync(folder, { recursive: true }));

function run(args: string[], env: Record<string, string> = {}, path = program) {
  const { status, stdout, stderr } = spawnSync(path, args, {
    cwd: '/',
    encoding: 'utf8',
    env: { ...process.env, ...env },
  });
  return { status, stdout, stderr };
}

describe('bin/mailyard', () => {
  it('says its version, also through a symbolic link and with an old Node in front', () => {
    const link = join(folder, 'link');
    symlinkSync(program, link);
    expect(run(['--version'], {}, link)).toMatchObject({
      status: 0,
      stdout: expect.stringMatching(/^mailyard \d+\.\d+\.\d+ \(node 24\./),
    });
  });

  it('exits 64 on words it does not know, and says which', () => {
    expect(run(['frobnicate'])).toMatchObject({
      status: 64,
      stdout: '',
      stderr: expect.stringContaining('frobnicate'),
    });
    expect(run(['check', '--smpt', 'x'])).toMatchObject({ status: 64, stderr: expect.stringContaining('--smpt') });
  });

  it('help COMMAND is COMMAND --help', () => {
    const listed = Array.from(run(['help']).stdout.matchAll(/^ {2}(\S+) {2,}\S/gm), ([, name]) => name!);
    for (const name of ['start', 'queue', 'completion']) {
      expect(listed).toContain(name);
      expect(run(['help', name])).toMatchObject({
        status: 0,
        stdout: expect.stringMatching(new RegExp(`^usage: mailyard ${name}`)),
      });
    }
    expect(run(['help', 'queue', 'retry']).stdout).toBe(run(['queue', '--help']).stdout);
    expect(run(['help', 'frobnicate'])).toMatchObject({ status: 64, stderr: expect.stringContaining('frobnicate') });
  });

  it('refuses an option with nothing in it before anything is asked or done: its variable may not be set', () => {
    for (const words of [
      ['queue', 'oldest', '--destination', ''],
      ['hat', 'import', '-', 'yes', '--listener', ''],
      ['events', '--cursor-file', ''],
      ['explain', '--client', '192.0.2.1', '--from', '', 'you@example.com'],
    ])
      expect(run([...words, '--server', '127.0.0.1:1']), words.join(' ')).toMatchObject({
        status: 64,
        stdout: '',
        stderr: expect.stringMatching(/^mailyard \w+: --[a-z-]+ has nothing in it\n/),
      });
  });

  it('exits 78 on wrong settings and names every fault with its place', () => {
    const file = join(folder, 'mailyard.yaml');
    writeFileSync(file, 'http: {address: nowhere}\ncolour: red\n');
    const result = run(['check', '--config', file]);
    expect(result.status).toBe(78);
    expect(result.stderr).toContain(`${file}:1: http.address: must be HOST:PORT`);
    expect(result.stderr).toContain(`${file}:2: unknown key colour`);
    const json = run(['check', '--config', file, '--json']);
    expect(JSON.parse(json.stdout)).toMatchObject({
      valid: false,
      faults: expect.arrayContaining([expect.objectContaining({ place: `${file}:2` })]),
    });
  });

  it.each([
    ['ALL=127.0.0.1:2526', '--accept ALL: "ALL" is no domain: the gateway would take mail for everyone\n'],
    ['no_domain..example=127.0.0.1:2526', '--accept no_domain..example: "no_domain..example" '],
    ['example.com=mail.example.net:0', '--accept example.com: "mail.example.net:0" '],
  ])('check and start say what is wrong with --accept %s (R171)', (accept, problem) => {
    for (const command of ['check', 'start']) {
      const result = run([command, '--data', join(folder, 'never'), '--accept', accept]);
      expect(result).toMatchObject({ status: 78, stdout: '' });
      expect(result.stderr.startsWith(problem), result.stderr).toBe(true);
    }
  });

  it('says at once that the data folder cannot be made, also where the system makes none', () => {
    expect(run(['start', '--data', '/proc/mailyard', '--smtp', '127.0.0.1:0'])).toEqual({
      status: 1,
      stdout: '',
      stderr: 'mailyard start: the folder /proc/mailyard cannot be made: ENOENT\n',
    });
  });

  it('finds nothing wrong with the defaults', () => {
    expect(run(['check'])).toMatchObject({ status: 0, stdout: expect.stringContaining('embedded') });
  });

  it('finds the certificates that cannot be read, at check and at start, with their places', () => {
    const file = join(folder, 'http.yaml');
    writeFileSync(file, 'http: {tls: {certificate: /nonexistent.pem, key: /nonexistent.key}}\n');
    for (const words of [['check'], ['start', '--data', join(folder, 'data'), '--smtp', '127.0.0.1:0']]) {
      const result = run([...words, '--config', file]);
      expect(result).toMatchObject({ status: 78, stdout: '' });
      expect(result.stderr).toMatch(/^http\.tls\.certificate: ENOENT.*\nhttp\.tls\.key: ENOENT.*\n$/);
    }
    expect(run(['check', '--offline', '--config', file])).toMatchObject({ status: 0 });
  });

  it('says that a result cannot be written, and ends with 1', () => {
    const full = openSync('/dev/full', 'w');
    try {
      const { status, stderr } = spawnSync(program, ['check'], {
        cwd: '/',
        stdio: ['ignore', full, 'pipe'],
        encoding: 'utf8',
      });
      expect(status).toBe(1);
      expect(stderr).toMatch(/^mailyard: the result cannot be written: ENOSPC[^\n]*\n$/);
    } finally {
      closeSync(full);
    }
  });

  it('goes on while what a gateway says cannot be written', async () => {
    const full = openSync('/dev/full', 'w');
    const any = ['--smtp', '127.0.0.1:0', '--grpc', '127.0.0.1:0', '--http', '127.0.0.1:0'];
    const gateway = spawn(program, ['start', '--data', join(folder, 'full'), ...any], {
      cwd: '/',
      stdio: ['ignore', 'pipe', full],
    });
    try {
      let said = '';
      for await (const piece of gateway.stdout!.setEncoding('utf8')) {
        said += String(piece);
        if (said.includes('\n')) break;
      }
      const [, address] = /^mailyard ready .*grpc=(\S+) /.exec(said) ?? [];
      expect(run(['queue', 'status', '--server', address!])).toMatchObject({ status: 0, stderr: '' });
      const ended = once(gateway, 'exit');
      gateway.kill('SIGTERM');
      expect(await ended).toEqual([0, null]);
    } finally {
      gateway.kill('SIGKILL');
      closeSync(full);
    }
  });

  it('does not take what commands go by for settings', () => {
    expect(run(['check'], { MAILYARD_SERVER: '127.0.0.1:1', MAILYARD_TOKEN: 'x' })).toMatchObject({
      ...{ status: 0, stderr: '' },
    });
  });

  it('warns of settings that can lose mail (R62)', () => {
    const file = join(folder, 'possible.yaml');
    writeFileSync(file, 'delivery: {possibleDelivery: true}\n');
    const result = run(['check', '--config', file]);
    expect(result).toMatchObject({
      status: 0,
      stderr: expect.stringMatching(/^delivery\.possibleDelivery: .*loses mail/),
    });
    expect(run(['check'])).toMatchObject({ status: 0, stderr: '' });
  });

  it('finds the address of a virtual gateway that this machine does not have (R147)', () => {
    const file = join(folder, 'gateways.yaml');
    writeFileSync(file, 'delivery: {gateways: {here: {addresses: [127.0.0.2]}, away: {addresses: [203.0.113.77]}}}\n');
    const result = run(['check', '--config', file]);
    expect(result).toMatchObject({ status: 78, stdout: '' });
    expect(result.stderr).toMatch(
      /^delivery\.gateways\.away\.addresses: 203\.0\.113\.77 is not of this machine: .*\n$/,
    );
    expect(run(['check', '--offline', '--config', file])).toMatchObject({ status: 0 });
  });

  it.each(['ingress', 'routing', 'delivery', 'admin'])('finds nothing wrong with deploy/settings/%s.yaml', (role) => {
    const result = run(['check', '--offline', '--config', join(deploy, `${role}.yaml`)]);
    expect(result, result.stderr).toMatchObject({
      status: 0,
      stdout: expect.stringContaining(`distributed, roles ${role}`),
    });
  });
});
