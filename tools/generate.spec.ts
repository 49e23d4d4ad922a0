import { spawnSync } from 'node:child_process';
import { globSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';

const root = join(import.meta.dirname, '..');
const folder = mkdtempSync(join(tmpdir(), 'mailyard-gen-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function contents(of: string): Map<string, string> {
  const names = globSync('**/*.{ts,binpb}', { cwd: of }).sort();
  return new Map(names.map((name) => [name, readFileSync(join(of, name), 'latin1')]));
}

describe('generated contracts', () => {
  it('are what proto/ says now', () => {
    const { status, stderr } = spawnSync(process.execPath, [join(root, 'tools/generate.ts'), folder]);
    expect(status, stderr.toString()).toBe(0);
    const fresh = contents(folder);
    const kept = contents(join(root, 'libs/contracts/src/gen'));
    expect([...kept.keys()], 'run npm run generate').toEqual([...fresh.keys()]);
    for (const [name, text] of fresh) expect(kept.get(name) === text, `${name}: run npm run generate`).toBe(true);
  });

  it('come from files that buf lint accepts', () => {
    const { status, stdout } = spawnSync(join(root, 'node_modules/.bin/buf'), ['lint'], { cwd: root });
    expect(stdout.toString()).toBe('');
    expect(status).toBe(0);
  });
});
