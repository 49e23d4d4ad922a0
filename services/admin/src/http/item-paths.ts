import { addressNumber } from '@mailyard/access';
import { accessTablesOf, type AccessTables } from '@mailyard/configuration';
import { canonicalKey } from '@mailyard/contracts';
import { type Domain, parseDomain } from '@mailyard/mail';
import { z } from 'zod';
import { ApiRefusal } from './api-refusal.ts';
import type { ApiCall, ApiOperation } from './api-server.ts';
import { DraftViews } from './draft-views.ts';
import { type ItemRow, itemRows } from './item-rows.ts';
import { ITEM_SECTIONS, type ItemSection, itemSection, type ItemSectionName } from './item-sections.ts';
import type { PendingChanges } from './pending-changes.ts';
import { flag, limit, offset, version } from './shape.ts';

const LIST = z.strictObject({
  search: z.string().max(300).default(''),
  list: z.string().max(100).optional(),
  offset,
  limit,
  pending: flag(true),
  version,
});
const ONE = z.strictObject({ pending: flag(true), version });
const TEST = z.strictObject({
  address: z.string().max(100),
  names: z.string().max(1_000).default(''),
  listener: z.string().max(100).default(''),
  pending: flag(false),
});

/** The sections that are edited item by item, and who a client of the host access table is. */
export function itemPaths(pending: PendingChanges): ApiOperation[] {
  const views = new DraftViews((state, after, draft) => {
    const kept = new Map<ItemSection, readonly ItemRow[]>();
    return (kind: ItemSection): readonly ItemRow[] => {
      const rows = kept.get(kind) ?? itemRows(kind, state, after, draft);
      kept.set(kind, rows);
      return rows;
    };
  });
  const hosts = new DraftViews<AccessTables>((_state, after) => accessTablesOf(after));

  async function rowsFor(call: ApiCall, asked: { pending: boolean; version?: number | undefined }) {
    const kind = sectionOf(call);
    const { state, draft } = await pending.view(call.visitor.name, asked);
    return { kind, state, rows: views.of(state, draft)(kind) };
  }

  return [
    {
      method: 'GET',
      path: '/api/v1/sections/{section}',
      role: 'reader',
      handle: async (call) => {
        const asked = call.query(LIST);
        const { kind, state, rows } = await rowsFor(call, asked);
        const listed = asked.list === undefined ? rows : rows.filter(({ item }) => kind.listOf(item) === asked.list);
        const found = search(kind, listed, asked.search);
        return {
          isPolled: true,
          json: {
            version: state.version,
            rows: found.slice(asked.offset, asked.offset + asked.limit),
            found: found.length,
            total: listed.length,
            lists: [...new Set(rows.map(({ item }) => kind.listOf(item)))],
          },
        };
      },
    },
    {
      method: 'GET',
      path: '/api/v1/sections/{section}/{key}',
      role: 'reader',
      handle: async (call) => {
        const { kind, state, rows } = await rowsFor(call, call.query(ONE));
        const text = call.parameters.get('key')!;
        const key = canonicalKey(kind.section, text);
        const row = rows.find((each) => each.key === key);
        if (row === undefined)
          throw new ApiRefusal(404, 'ITEM_NOT_FOUND', `there is no ${JSON.stringify(text.slice(0, 120))}`);
        return { json: { version: state.version, row } };
      },
    },
    {
      method: 'GET',
      path: '/api/v1/host-access/test',
      role: 'reader',
      handle: async (call) => {
        const asked = call.query(TEST);
        const { state, draft } = await pending.view(call.visitor.name, asked);
        const address = asked.address.trim();
        if (addressNumber(address) === undefined) throw new ApiRefusal(400, 'ADDRESS_INVALID', 'that is no IP address');
        const names = asked.names
          .split(/[\s,]+/)
          .filter((name) => name !== '')
          .map((name): Domain => {
            const domain = parseDomain(name);
            if (domain === undefined)
              throw new ApiRefusal(400, 'DOMAIN_INVALID', `${JSON.stringify(name)} is no host name`);
            return domain;
          });
        const table = hosts.of(state, draft).hosts.of(asked.listener);
        const asksForNames = names.length === 0 && table.asksForNames(address);
        return { json: { version: state.version, address, ...table.verdict(address, names), asksForNames } };
      },
    },
  ];
}

function sectionOf({ parameters }: ApiCall): ItemSection {
  const name = parameters.get('section')!;
  if (!Object.hasOwn(ITEM_SECTIONS, name)) throw new ApiRefusal(404, 'PATH_UNKNOWN', 'there is no such section');
  return itemSection(name as ItemSectionName);
}

function search(kind: ItemSection, rows: readonly ItemRow[], text: string): readonly ItemRow[] {
  if (text === '') return rows;
  const wanted = text.toLowerCase();
  return rows.filter(({ item }) => kind.texts(item).some((each) => each.toLowerCase().includes(wanted)));
}
