import { createPrivateKey, X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { SettingsFault } from './load.ts';
import type { Settings } from './schema.ts';

const PEM_CERTIFICATE = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g;

/** Faults of the files that delivery, if it runs here, makes TLS sessions with: what is no certificate, or no key to one. */
export function findCertificateFaults({ roles, delivery }: Pick<Settings, 'roles' | 'delivery'>): SettingsFault[] {
  if (!roles.includes('delivery')) return [];
  const { authority, certificate, key } = delivery;
  const faults: SettingsFault[] = [];
  if (authority !== undefined) attempt('delivery.authority', () => readCertificates(authority), faults);
  if ((certificate === undefined) !== (key === undefined))
    faults.push({ place: 'delivery', problem: 'has one of certificate and key; both are needed' });
  if (certificate !== undefined && key !== undefined) checkPair('delivery', certificate, key, faults);
  return faults;
}

/** Faults of the files that this process shows to those who connect to it over SMTP, gRPC and HTTP. */
export function findServerCertificateFaults({
  tls,
  grpc,
  http,
}: Pick<Settings, 'tls' | 'grpc' | 'http'>): SettingsFault[] {
  const faults: SettingsFault[] = [];
  for (const [place, files] of Object.entries({ tls, 'grpc.tls': grpc.tls, 'http.tls': http.tls }))
    if (files !== undefined) checkPair(place, files.certificate, files.key, faults);
  const authority = grpc.tls?.clientAuthority;
  if (authority !== undefined) attempt('grpc.tls.clientAuthority', () => readCertificates(authority), faults);
  return faults;
}

function checkPair(place: string, certificate: string, key: string, faults: SettingsFault[]): void {
  const own = attempt(`${place}.certificate`, () => readCertificates(certificate)[0]!, faults);
  const secret = attempt(`${place}.key`, () => createPrivateKey(readFileSync(key)), faults);
  if (own !== undefined && secret !== undefined && !own.checkPrivateKey(secret))
    faults.push({ place: `${place}.key`, problem: `${key} is not the key of the certificate in ${certificate}` });
}

function attempt<T>(place: string, read: () => T, faults: SettingsFault[]): T | undefined {
  try {
    return read();
  } catch (error) {
    faults.push({ place, problem: error instanceof Error ? error.message : String(error) });
    return undefined;
  }
}

function readCertificates(file: string): X509Certificate[] {
  const found = readFileSync(file, 'utf8').match(PEM_CERTIFICATE) ?? [];
  if (found.length === 0) throw new Error(`${file} holds no certificate in PEM`);
  return found.map((pem) => new X509Certificate(pem));
}
