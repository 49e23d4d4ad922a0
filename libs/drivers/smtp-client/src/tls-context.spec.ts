import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { makeCertificate } from '@mailyard/testkit/certificate';
import { afterAll, expect, it } from 'vitest';
import { TlsContext } from './tls-context.ts';

const folder = mkdtempSync(join(tmpdir(), 'mailyard-tls-context-'));
afterAll(() => rmSync(folder, { recursive: true }));

it('TLS is made with what the files say now; files that cannot be used change nothing and are told once', () => {
  const file = (name: string) => join(folder, name);
  const place = ({ cert, key }: { cert: string; key: string }): void => {
    writeFileSync(file('own.pem'), cert);
    writeFileSync(file('own.key'), key);
  };
  const [first, second] = [makeCertificate(['first.test']), makeCertificate(['second.test', 'more.test'])];
  place(first);
  writeFileSync(file('authority.pem'), first.cert);
  let now = 0;
  const problems: string[] = [];
  const context = new TlsContext(
    { authority: file('authority.pem'), certificate: file('own.pem'), key: file('own.key') },
    (problem) => problems.push(problem),
    () => now,
  );
  const [plain, judging] = [context.get(false), context.get(true)];
  expect(plain).not.toBe(judging);
  now += 60_000;
  expect([context.get(false), context.get(true)]).toEqual([plain, judging]);
  expect(context.get(false)).toBe(plain);
  place(second);
  // Looked at now and then, not for each connection.
  expect(context.get(false)).toBe(plain);
  now += 60_000;
  const after = context.get(false);
  expect(after).not.toBe(plain);
  expect(context.get(true)).not.toBe(judging);
  expect(problems).toEqual([]);
  place({ cert: first.cert, key: second.key });
  now += 60_000;
  expect(context.get(false)).toBe(after);
  now += 60_000;
  expect(context.get(false)).toBe(after);
  expect(problems).toEqual([expect.stringMatching(/^what was read before is used on: .*key values mismatch/i)]);
  place(first);
  now += 60_000;
  expect(context.get(false)).not.toBe(after);
  expect(problems).toHaveLength(1);
});

it('TLS needs no files', () => {
  const context = new TlsContext({}, () => {});
  expect(context.get(false)).toBe(context.get(false));
});
