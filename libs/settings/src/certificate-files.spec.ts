import { generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { rootCertificates } from 'node:tls';
import { afterAll, expect, it } from 'vitest';
import { findCertificateFaults, findServerCertificateFaults } from './certificate-files.ts';
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

it.each([
  [{}, []],
  [{ tls: { certificate: words, key } }, ['tls.certificate: .* holds no certificate']],
  [{ grpc: { tls: { certificate, key } } }, ['grpc.tls.key: .* is not the key of']],
  [
    { grpc: { tls: { certificate, key: words, clientAuthority: join(folder, 'nowhere.pem') } } },
    ['grpc.tls.key: ', 'grpc.tls.clientAuthority: ENOENT'],
  ],
  [{ http: { tls: { certificate: join(folder, 'nowhere.pem'), key } } }, ['http.tls.certificate: ENOENT']],
])('files that are shown to those who connect %j', (settings, faults) => {
  const found = findServerCertificateFaults(schema.parse(settings)).map(({ place, problem }) => `${place}: ${problem}`);
  expect(found).toEqual(faults.map((fault) => expect.stringMatching(new RegExp(`^${fault}`))));
});
