import { readFileSync } from 'node:fs';
import type { GrpcTarget } from '@mailyard/grpc';
import { readSecret, type Settings } from '@mailyard/settings';

/**
 * What this process shows to others of the gateway when it calls them.
 *
 * @param isSecure they speak TLS; where a setting says whom to trust or what to show, they do in any case
 * @throws MtaError `SETTINGS_SECRET`
 */
export function callerCredentials(
  { token, authority, certificate, key, name }: Settings['grpc']['peers'],
  isSecure: boolean,
  environment: Readonly<Record<string, string | undefined>>,
): Omit<GrpcTarget, 'addresses'> {
  const files = {
    ...(authority === undefined ? {} : { authority: readFileSync(authority) }),
    ...(certificate === undefined ? {} : { certificate: readFileSync(certificate) }),
    ...(key === undefined ? {} : { key: readFileSync(key) }),
    ...(name === undefined ? {} : { name }),
  };
  return {
    ...(isSecure || authority !== undefined || certificate !== undefined ? { tls: files } : {}),
    ...(token === undefined ? {} : { token: readSecret(token, environment) }),
  };
}
