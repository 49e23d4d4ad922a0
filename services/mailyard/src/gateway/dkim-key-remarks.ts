import type { DkimProfile } from '@mailyard/configuration';
import { EXPECTED_BITS, parseSigningKey } from '@mailyard/dkim-signer';
import { makeRemark, type Remark } from '@mailyard/mail';
import { readConfiguredSecret } from './configured-secret.ts';

/** What a person should know of the keys that profiles name, as this machine has them. */
export function dkimKeyRemarks(
  environment: Readonly<Record<string, string | undefined>>,
): (profile: DkimProfile) => readonly Remark[] {
  return ({ name: profile, key }) => {
    try {
      const { algorithm, bits } = parseSigningKey(readConfiguredSecret(key, environment));
      const isShort = algorithm === 'rsa-sha256' && bits < EXPECTED_BITS;
      return isShort ? [makeRemark('DKIM_KEY_SHORT', { profile, bits })] : [];
    } catch (error) {
      const problem = error instanceof Error ? error.message : String(error);
      return [makeRemark('DKIM_KEY_UNUSABLE', { profile, problem })];
    }
  };
}
