import type { SecretReference } from '@mailyard/configuration';
import { readSecret } from '@mailyard/settings';

/**
 * Reads the secret that an item of the configuration names, from this machine (R153).
 *
 * @throws MtaError `SETTINGS_SECRET`, as {@link readSecret}
 */
export function readConfiguredSecret(
  reference: SecretReference,
  environment: Readonly<Record<string, string | undefined>>,
): string {
  return readSecret(
    reference.kind === 'file' ? { file: reference.file } : { environment: reference.variable },
    environment,
  );
}
