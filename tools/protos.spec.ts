import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

const root = join(import.meta.dirname, '..');
let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'mailyard-protos-'));
  for (const name of ['proto', 'proto-foreign', 'buf.yaml'])
    cpSync(join(root, name), join(folder, name), { recursive: true });
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** Changes one place of a copy of routing.proto and tells what a rule of buf says of it. */
function said(rule: readonly string[], from: string, to: string): string {
  const file = join(folder, 'proto/mailyard/routing/v1/routing.proto');
  const text = readFileSync(file, 'utf8');
  expect(text).toContain(from);
  writeFileSync(file, text.replace(from, to));
  return spawnSync(join(root, 'node_modules/.bin/buf'), rule, { cwd: folder, encoding: 'utf8' }).stdout;
}

const breaking = ['breaking', 'proto', '--against', join(root, 'proto/baseline.binpb')];

describe('the promise of the protos to clients', () => {
  it.each([
    ['a field renumbered', 'uint64 min_version = 2;', 'uint64 min_version = 7;', /min_version/],
    ['a field retyped', 'string recipient = 1;', 'bytes recipient = 1;', /recipient/],
    ['a method taken away', '  rpc GetRoute(GetRouteRequest) returns (GetRouteResponse);\n', '', /GetRoute/],
    ['a value renamed', 'VERDICT_WINNER = 1', 'VERDICT_FIRST = 1', /VERDICT_WINNER/],
  ])('is broken by %s', (_name, from, to, message) => {
    expect(said(breaking, from, to)).toMatch(message);
  });

  it('is kept by a field that is added', () => {
    expect(said(breaking, 'uint64 min_version = 2;', 'uint64 min_version = 2;\n  string added_later = 99;')).toBe('');
  });

  it('has a style, which buf lint guards', () => {
    expect(said(['lint'], 'string recipient = 1;', 'string Recipient = 1;')).toMatch(/lower_snake_case/);
  });
});
