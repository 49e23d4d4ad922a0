/** DKIM signing profiles between core and wire. */
import { CANONICALIZATIONS, type DkimProfile } from '@mailyard/configuration';
import type * as wire from './gen/mailyard/routing/v1/change_set.ts';
import { readSecretReference, writeSecretReference } from './secret-codec.ts';

const NAME = /^[A-Za-z0-9_.-]{1,64}$/;

export function writeDkimProfile({ key, senders, headers, allowUnsigned, ...said }: DkimProfile): wire.DkimProfile {
  return {
    ...said,
    key: writeSecretReference(key),
    senders: [...(senders ?? [])],
    headers: [...(headers ?? [])],
    allowUnsigned: allowUnsigned === true,
  };
}

/** Undefined when it lacks a part, or says what is not known here: signing otherwise than was committed is no signing. */
export function readDkimProfile(value: wire.DkimProfile): DkimProfile | undefined {
  const { name, domain, selector, senders, headers, expiresAfterSeconds, allowUnsigned } = value;
  const key = readSecretReference(value.key);
  const canonicalization = CANONICALIZATIONS.find((one) => one === value.canonicalization);
  if (!NAME.test(name) || domain === '' || selector === '' || key === undefined) return undefined;
  if (value.canonicalization !== undefined && canonicalization === undefined) return undefined;
  return {
    name,
    domain,
    selector,
    key,
    ...(senders.length === 0 ? {} : { senders }),
    ...(canonicalization === undefined ? {} : { canonicalization }),
    ...(headers.length === 0 ? {} : { headers }),
    ...(expiresAfterSeconds === undefined ? {} : { expiresAfterSeconds }),
    ...(allowUnsigned ? { allowUnsigned } : {}),
  };
}

export function readDkimProfileItem(
  value: wire.Item['item'],
): { readonly section: 'dkimProfiles'; readonly item: DkimProfile } | undefined {
  const item = value?.$case === 'dkimProfile' ? readDkimProfile(value.value) : undefined;
  return item === undefined ? undefined : { section: 'dkimProfiles', item };
}
