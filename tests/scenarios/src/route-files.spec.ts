/** Files of routes from outside: hostile ones, and the tables of other programs beside those programs. */
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describeWith } from '@mailyard/testkit/services/require-service';
import { describe, expect, it } from 'vitest';
import { mailyard } from './gateway.ts';
import { Scenario } from './scenario.ts';

const MIB = 1024 * 1024;

/** The most memory that a process had so far, in octets. */
function peakOf(pid: number): number {
  return 1024 * Number(/^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))![1]);
}

describe('hostile files of routes', () => {
  it('are refused with their reason, whole, and in bounded memory', async () => {
    await using scenario = await Scenario.begin();
    const gateway = await scenario.gateway();
    const place = join(scenario.folder, 'hostile');
    const refused = async (content: string | Buffer, reason: RegExp, ...words: string[]) => {
      await writeFile(place, content);
      const result = await gateway.command('smtproutes', 'import', place, 'yes', ...words);
      expect(result.status).toBe(1);
      expect(result.stdout).toBe('');
      expect(result.stderr.slice(-500)).toMatch(reason);
    };
    const before = peakOf(gateway.pid);
    const line = `a.example ${Array.from({ length: 100 }, (_, n) => `x:${n}x`).join(',')}\n`;
    await refused(line.repeat(Math.floor((60 * MIB) / line.length)), /50001 faults/);
    await refused(`${'a.example b.example,'.repeat(3 * MIB)}\n`, /a line of more than 32768 characters/);
    await refused('\n'.repeat(60 * MIB), /more than 20000 lines/);
    await refused(' \n'.repeat(10 * MIB), /a line too many/, '--from', 'transport');
    await refused(Buffer.alloc(65 * MIB, 'a'), /more than 67108864 octets/);
    await refused(Buffer.from('a.example h\0.example\n'), /NUL/);
    await refused(Buffer.from('\u{FEFF}a.example h.example\n', 'utf16le'), /NUL|UTF-8/);
    await refused(Buffer.from([0x61, 0x2e, 0x62, 0x20, 0xc3, 0x28, 0x0a]), /UTF-8/);
    expect(peakOf(gateway.pid) - before).toBeLessThan(600 * MIB);
    const endless = await mailyard(['smtproutes', 'import', '/dev/zero', 'yes', '--server', gateway.address('grpc')]);
    expect(endless).toMatchObject({ status: 1, stderr: expect.stringContaining('/dev/zero has more than 67108864') });
    expect((await gateway.command('smtproutes', 'print')).stdout).toBe('ALL:\n');
  }, 180_000);
});

interface Explained {
  readonly goesTo: string;
  readonly matched: string;
}

await describeWith(['postfix'], "Postfix's transport table", () => {
  it('sends every domain where postmap -q says (R195)', async () => {
    await using scenario = await Scenario.begin();
    const gateway = await scenario.gateway();
    const etc = join(scenario.folder, 'etc');
    await mkdir(etc);
    await writeFile(join(etc, 'main.cf'), 'compatibility_level = 3.6\n');
    const table = join(etc, 'transport');
    await writeFile(
      table,
      [
        '# a table as people write them',
        'example.com      smtp:[mail.example.net]:2525',
        '.example.com     relay:[inside.example.net]',
        'deep.example.com',
        '  # a comment within an entry',
        '  smtp:[deep.example.net]',
        'Upper.Example    smtp:[upper.example.net]:submission',
        'gone.example     discard:nobody',
        'plain.example    smtp:mail.plain.example',
        '*                smtp:[rest.example.net]',
        '',
      ].join('\n'),
    );
    const imported = await gateway.command('smtproutes', 'import', table, 'yes', '--from', 'transport');
    expect(imported).toMatchObject({ status: 0, stderr: expect.stringContaining('becomes dotted') });
    const run = promisify(execFile);
    await run('/usr/sbin/postmap', ['-c', etc, `hash:${table}`]);
    /** As transport(5) looks a domain up: itself, then each parent with its dot, then `*`. */
    const lookUp = async (domain: string): Promise<string> => {
      const labels = domain.split('.');
      const keys = [domain, ...labels.slice(1).map((_, n) => `.${labels.slice(n + 1).join('.')}`), '*'];
      for (const key of keys) {
        const found = await run('/usr/sbin/postmap', ['-c', etc, '-q', key, `hash:${table}`]).catch(() => undefined);
        if (found !== undefined) return found.stdout.trim();
      }
      return '';
    };
    const asOurs = (value: string): string => {
      const [transport, ...rest] = value.split(':');
      if (transport === 'discard') return '/dev/null: the mail is dropped';
      return rest.join(':').replace(':submission', ':587');
    };
    for (const domain of [
      'example.com',
      'a.example.com',
      'a.b.example.com',
      'deep.example.com',
      'x.deep.example.com',
      'notexample.com',
      'upper.example',
      'x.upper.example',
      'gone.example',
      'plain.example',
      'other.test',
    ]) {
      const { goesTo } = await gateway.json<Explained>('smtproutes', 'test', domain);
      expect(goesTo, domain).toBe(asOurs(await lookUp(domain)));
    }
  });
});
