/** Keys of bounce verification (R140) between core and wire: where their secrets stand, never the secrets. */
import type { BounceKey } from '@mailyard/configuration';
import type * as wire from './gen/mailyard/routing/v1/change_set.ts';
import { readSecretReference, writeSecretReference } from './secret-codec.ts';

export function writeBounceKey({ number, secret }: BounceKey): wire.BounceKey {
  return { number, secret: writeSecretReference(secret) };
}

/** Undefined when it is none or lacks a part. */
export function readBounceKey({ number, secret }: wire.BounceKey): BounceKey | undefined {
  const reference = readSecretReference(secret);
  return number > 9 || reference === undefined ? undefined : { number, secret: reference };
}

export function readBounceKeyItem(
  value: wire.Item['item'],
): { readonly section: 'bounceKeys'; readonly item: BounceKey } | undefined {
  const item = value?.$case === 'bounceKey' ? readBounceKey(value.value) : undefined;
  return item === undefined ? undefined : { section: 'bounceKeys', item };
}
