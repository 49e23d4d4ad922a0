/** The global unsubscribe list (R148) between core and wire. */
import type { UnsubscribedRow } from '@mailyard/access';
import type * as wire from './gen/mailyard/routing/v1/change_set.ts';

export function writeUnsubscribed({ recipient, action }: UnsubscribedRow): wire.Unsubscribed {
  return { recipient, action: action === 'drop' ? 1 : 2 };
}

/** Undefined when it lacks a part, or has an action of a later release. */
export function readUnsubscribed({ recipient, action }: wire.Unsubscribed): UnsubscribedRow | undefined {
  if (recipient === '' || (action !== 1 && action !== 2)) return undefined;
  return { recipient, action: action === 1 ? 'drop' : 'bounce' };
}

export function readUnsubscribedItem(
  value: wire.Item['item'],
): { readonly section: 'globalUnsubscribe'; readonly item: UnsubscribedRow } | undefined {
  const item = value?.$case === 'unsubscribed' ? readUnsubscribed(value.value) : undefined;
  return item === undefined ? undefined : { section: 'globalUnsubscribe', item };
}
