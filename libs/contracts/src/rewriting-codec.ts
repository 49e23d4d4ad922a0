/** The domain map and the alias table (R136) between core and wire. */
import type { AliasRow, DomainMapRow } from '@mailyard/access';
import type * as wire from './gen/mailyard/routing/v1/change_set.ts';

export function writeDomainMapping({ from, to }: DomainMapRow): wire.DomainMapping {
  return { key: from, to };
}

export function readDomainMapping({ key, to }: wire.DomainMapping): DomainMapRow {
  return { from: key, to };
}

export function writeAlias({ alias, to }: AliasRow): wire.Alias {
  return { key: alias, to: [...to] };
}

export function readAlias({ key, to }: wire.Alias): AliasRow {
  return { alias: key, to };
}

type Read =
  | { readonly section: 'domainMap'; readonly item: DomainMapRow }
  | { readonly section: 'aliases'; readonly item: AliasRow };

/** Undefined when it is none of them or lacks a part. */
export function readRewritingItem(value: wire.Item['item']): Read | undefined {
  if (value?.$case === 'domainMapping') {
    const item = readDomainMapping(value.value);
    return item.from === '' || item.to === '' ? undefined : { section: 'domainMap', item };
  }
  if (value?.$case !== 'alias') return undefined;
  const item = readAlias(value.value);
  return item.alias === '' || item.to.length === 0 ? undefined : { section: 'aliases', item };
}
