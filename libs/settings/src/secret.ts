import { readFileSync } from 'node:fs';
import { MtaError } from '@mailyard/mail';
import type { SecretReference } from './schema.ts';

/**
 * Reads a secret from where its reference says. One trailing line end of a file is not part of it.
 *
 * @throws MtaError `SETTINGS_SECRET` when it is not there or empty; the message never shows the secret
 */
export function readSecret(
  reference: SecretReference,
  environment: Readonly<Record<string, string | undefined>>,
): string {
  const where = 'file' in reference ? `file ${reference.file}` : `variable ${reference.environment}`;
  let value: string | undefined;
  try {
    value =
      'file' in reference
        ? readFileSync(reference.file, 'utf8').replace(/\r?\n$/, '')
        : environment[reference.environment];
  } catch (error) {
    throw new MtaError('SETTINGS_SECRET', `the secret in ${where} cannot be read`, { cause: error });
  }
  if (value === undefined || value === '')
    throw new MtaError('SETTINGS_SECRET', `the secret in ${where} is missing or empty`);
  return value;
}
