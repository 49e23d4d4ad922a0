/** References of secrets between core and wire. */
import type { SecretReference } from '@mailyard/configuration';
import type * as wire from './gen/mailyard/routing/v1/change_set.ts';

type Written = wire.AuthProfile['secret'];

const VARIABLE = /^[A-Za-z_][A-Za-z0-9_]{0,127}$/;

export function writeSecretReference(secret: SecretReference): NonNullable<Written> {
  return secret.kind === 'file'
    ? { $case: 'file', value: secret.file }
    : { $case: 'environment', value: secret.variable };
}

/** Undefined when there is none, or it is no name of a variable. */
export function readSecretReference(secret: Written): SecretReference | undefined {
  if (secret === undefined || secret.value === '') return undefined;
  if (secret.$case === 'file') return { kind: 'file', file: secret.value };
  return VARIABLE.test(secret.value) ? { kind: 'environment', variable: secret.value } : undefined;
}
