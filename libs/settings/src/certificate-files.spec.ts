import { generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { rootCertificates } from 'node:tls';
import { afterAll, expect, it } from 'vitest';
import { findCertificateFaults } from './certificate-files.ts';
import { schema } from './schema.ts';

const folder = mkdtempSync(join(tmpdir(), 'settings-'));
afterAll(() => rmSync(folder, { recursive: true }));
const place = (name: string, text: string): string => {
  writeFileSync(join(folder, name), text);
  return join(folder, name);
};
const certificate = place('certificate.pem', rootCertificates[0]!);
const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const key = place('key.pem', privateKey.export({ type: 'pkcs8', format: 'pem' }).toString());
const words = place('words.pem', 'no certificate\n');
const broken = place('broken.pem', rootCertificates[0]!.replace(/[A-Z]{4}/, '!!!!'));

it.each([
  [{}, []],
  [{ authority: certificate }, []],
  [{ authority: join(folder, 'nowhere.pem') }, ['delivery.authority: ENOENT']],
  [{ authority: words }, ['delivery.authority: .*words.pem holds no certificate in PEM']],
  [{ authority: broken }, ['delivery.authority: ']],
  [{ certificate }, ['delivery: has one of certificate and key']],
  [{ certificate, key: words }, ['delivery.key: ']],
  [{ certificate, key }, ['delivery.key: .*key.pem is not the key of the certificate in .*certificate.pem']],
])('files of delivery %j', (delivery, faults) => {
  const found = findCertificateFaults(schema.parse({ delivery })).map(({ place, problem }) => `${place}: ${problem}`);
  expect(found).toEqual(faults.map((fault) => expect.stringMatching(new RegExp(`^${fault}`))));
});

it('files of delivery are nothing to a process that does not deliver', () => {
  expect(findCertificateFaults(schema.parse({ roles: ['ingress'], delivery: { authority: words } }))).toEqual([]);
});
