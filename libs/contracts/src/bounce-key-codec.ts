/** Keys of bounce verification (R140) between core and wire: where their secrets stand, never the secrets. */
import type { BounceKey } from '@mailyard/configuration';
import type * as wire from './gen/mailyard/routing/v1/change_set.ts';

export function writeBounceKey({ number, secret }: BounceKey): wire.BounceKey {
  return {
    number,
    secret:
      secret.kind === 'file' ? { $case: 'file', value: secret.file } : { $case: 'environment', value: secret.variable },
  };
}

const VARIABLE = /^[A-Za-z_][A-Za-z0-9_]{0,127}$/;

/** Undefined when it is none or lacks a part. */
export function readBounceKey({ number, secret }: wire.BounceKey): BounceKey | undefined {
  if (number > 9 || secret === undefined || secret.value === '') return undefined;
  if (secret.$case === 'file') return { number, secret: { kind: 'file', file: secret.value } };
  return VARIABLE.test(secret.value) ? { number, secret: { kind: 'environment', variable: secret.value } } : undefined;
}

export function readBounceKeyItem(
  value: wire.Item['item'],
): { readonly section: 'bounceKeys'; readonly item: BounceKey } | undefined {
  const item = value?.$case === 'bounceKey' ? readBounceKey(value.value) : undefined;
  return item === undefined ? undefined : { section: 'bounceKeys', item };
}
