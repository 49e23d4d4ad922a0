import type { OctetText } from './utf8.ts';

/** The names of fields that are looked for, each with a search of its own: the start of a line, any case. */
const STARTS = {
  received: /^received[ \t]*:/gim,
  'message-id': /^message-id[ \t]*:/gim,
  from: /^from[ \t]*:/gim,
  'reply-to': /^reply-to[ \t]*:/gim,
} as const;

export type SoughtField = keyof typeof STARTS;

/** A line end that no continuation follows. */
const END = /\r\n(?![ \t])/g;

/**
 * Counts the fields of a name in a header section, by native search over its text; nothing is split into lines.
 *
 * @param limit counting stops one above it
 */
export function countFields(section: OctetText, name: SoughtField, limit: number): number {
  const start = STARTS[name];
  start.lastIndex = 0;
  let count = 0;
  while (count <= limit && start.test(section)) count++;
  return count;
}

/** The value of the first field of a name, unfolded, outer blanks off; undefined where there is none. */
export function firstField(section: OctetText, name: SoughtField): OctetText | undefined {
  const start = STARTS[name];
  start.lastIndex = 0;
  if (!start.test(section)) return undefined;
  END.lastIndex = start.lastIndex;
  const end = END.exec(section)?.index ?? section.length;
  return section.slice(start.lastIndex, end).replaceAll('\r\n', '').trim();
}
