/** The shapes of what requests bring, and how they are refused when they are others. */
import { z } from 'zod';
import { type ApiCode, ApiRefusal } from './api-refusal.ts';
import { ITEM_SECTIONS, type ItemSectionName } from './item-sections.ts';

/** @throws ApiRefusal 400 with the first thing that is wrong */
export function readShape<T>(shape: z.ZodType<T>, value: unknown, code: ApiCode): T {
  const result = shape.safeParse(value);
  if (result.success) return result.data;
  const issue = result.error.issues[0]!;
  const place = issue.path.map(String).join('.');
  throw new ApiRefusal(400, code, place === '' ? issue.message : `${place}: ${issue.message}`);
}

/** A whole number in a query. */
export function count(least: number, most: number) {
  return z
    .string()
    .regex(/^\d{1,15}$/, 'is no whole number')
    .transform(Number)
    .pipe(z.int().min(least).max(most));
}

export const version = count(0, Number.MAX_SAFE_INTEGER).optional();
export const limit = count(1, 1_000).default(50);
export const offset = count(0, 1_000_000).default(0);
export const instant = count(0, Number.MAX_SAFE_INTEGER).optional();

export function flag(otherwise: boolean) {
  return z
    .enum(['true', 'false'])
    .default(otherwise ? 'true' : 'false')
    .transform((text) => text === 'true');
}

const text = (most: number) => z.string().max(most);

export const writtenRoute = z.strictObject({
  receivingDomain: text(1_000),
  destinations: z.array(text(1_000)).max(1_000),
  authProfile: text(100).optional(),
});

const place = z.int().min(1).max(1_000_000);
const itemSectionName = z.enum(Object.keys(ITEM_SECTIONS) as [ItemSectionName, ...ItemSectionName[]]);

function setItem<N extends ItemSectionName>(section: N) {
  return z.strictObject({
    kind: z.literal('setItem'),
    section: z.literal(section),
    item: ITEM_SECTIONS[section].shape,
    expect: z.enum(['absent', 'present']).optional(),
    replaces: text(1_000).optional(),
    place: place.optional(),
  });
}

export const edit = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('set'),
    route: writtenRoute,
    expect: z.enum(['absent', 'present']),
    replaces: text(1_000).optional(),
  }),
  z.strictObject({ kind: z.literal('remove'), receivingDomain: text(1_000) }),
  z.strictObject({ kind: z.literal('removeAll') }),
  z.strictObject({ kind: z.literal('matchingMode'), mode: z.enum(['covering', 'dotted']) }),
  z.discriminatedUnion('section', [
    setItem('recipientAccess'),
    setItem('destinationControls'),
    setItem('bounceProfiles'),
    setItem('hostAccess'),
    setItem('mailFlowPolicies'),
    setItem('aliases'),
    setItem('domainMap'),
    setItem('globalUnsubscribe'),
  ]),
  z.strictObject({ kind: z.literal('removeItem'), section: itemSectionName, key: text(1_000) }),
  z.strictObject({ kind: z.literal('moveItem'), section: itemSectionName, key: text(1_000), place }),
]);

export type Edit = z.infer<typeof edit>;

export const setupRows = z
  .array(z.strictObject({ domain: text(1_000), destinations: z.array(text(1_000)).max(100) }))
  .max(1_000);
