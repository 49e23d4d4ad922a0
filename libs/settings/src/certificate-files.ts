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
  const attempt = <T>(place: string, read: () => T): T | undefined => {
    try {
      return read();
    } catch (error) {
      faults.push({ place, problem: error instanceof Error ? error.message : String(error) });
      return undefined;
    }
  };
  if (authority !== undefined) attempt('delivery.authority', () => readCertificates(authority));
  if ((certificate === undefined) !== (key === undefined))
    faults.push({ place: 'delivery', problem: 'has one of certificate and key; both are needed' });
  if (certificate === undefined || key === undefined) return faults;
  const own = attempt('delivery.certificate', () => readCertificates(certificate)[0]!);
  const secret = attempt('delivery.key', () => createPrivateKey(readFileSync(key)));
  if (own !== undefined && secret !== undefined && !own.checkPrivateKey(secret))
    faults.push({ place: 'delivery.key', problem: `${key} is not the key of the certificate in ${certificate}` });
  return faults;
}

function readCertificates(file: string): X509Certificate[] {
  const found = readFileSync(file, 'utf8').match(PEM_CERTIFICATE) ?? [];
  if (found.length === 0) throw new Error(`${file} holds no certificate in PEM`);
  return found.map((pem) => new X509Certificate(pem));
}
