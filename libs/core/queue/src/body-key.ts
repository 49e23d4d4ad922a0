import type { MessageId } from './records.ts';

/** The key of a body in the store: `<partition>/<message id>/<number>`. */
export function bodyKey(partition: number, message: MessageId, number: number): string {
  return `${partition}/${message}/${number}`;
}

/** Tells whether a text has the form of a body's key. Such a text is safe as a path: it has no dots. */
export function isBodyKey(text: string): boolean {
  return /^\d{1,6}\/[0-9a-hjkmnp-tv-z]{26}\/\d{1,6}$/.test(text);
}
