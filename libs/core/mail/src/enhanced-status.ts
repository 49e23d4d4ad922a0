/**
 * An enhanced mail system status code, "class.subject.detail".
 *
 * @see RFC 3463 §2
 */
export type EnhancedStatus = `${2 | 4 | 5}.${number}.${number}`;

const PATTERN = /^([245])\.(\d{1,3})\.(\d{1,3})(?=$|[ \t])/;

/**
 * Reads the enhanced status code at the start of a reply's text.
 *
 * @returns undefined when the text does not begin with one
 * @see RFC 2034 §4
 */
export function parseEnhancedStatus(text: string): EnhancedStatus | undefined {
  const match = PATTERN.exec(text);
  return match === null ? undefined : (`${match[1]}.${Number(match[2])}.${Number(match[3])}` as EnhancedStatus);
}
