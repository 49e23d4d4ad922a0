/** Suspensions (R211) between core and wire. */
import type { Suspension } from '@mailyard/configuration';
import type * as wire from './gen/mailyard/routing/v1/change_set.ts';

export function writeSuspension({ part, ...said }: Suspension): wire.Suspension {
  return { ...said, part: part === 'delivery' ? 1 : 2 };
}

/** Undefined when it lacks a part, or says of receiving what is of delivery. */
export function readSuspension(value: wire.Suspension): Suspension | undefined {
  const { domain, destination, listener, until, reason, author } = value;
  const part = value.part === 1 ? 'delivery' : value.part === 2 ? 'receiving' : undefined;
  const said = [domain, destination, listener].filter((one) => one !== undefined);
  if (part === undefined || said.length > 1 || said.includes('') || reason === '') return undefined;
  if (part === 'delivery' ? listener !== undefined : domain !== undefined || destination !== undefined)
    return undefined;
  return {
    part,
    ...(domain === undefined ? {} : { domain }),
    ...(destination === undefined ? {} : { destination }),
    ...(listener === undefined ? {} : { listener }),
    ...(until === undefined ? {} : { until }),
    reason,
    author,
  };
}

export function readSuspensionItem(
  value: wire.Item['item'],
): { readonly section: 'suspensions'; readonly item: Suspension } | undefined {
  const item = value?.$case === 'suspension' ? readSuspension(value.value) : undefined;
  return item === undefined ? undefined : { section: 'suspensions', item };
}
