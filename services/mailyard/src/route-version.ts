import { Misuse } from './server-command.ts';

/** @returns 0 (the newest) when nothing is said */
export function readVersion(text: string | undefined): number {
  if (text === undefined) return 0;
  if (/^[1-9]\d{0,14}$/.test(text)) return Number(text);
  throw new Misuse(`a version is a number from 1, not ${JSON.stringify(text)}`);
}

/**
 * What `--expect` says: the version that a change was made on. 0 is that of a configuration in which nothing was changed yet.
 *
 * @returns undefined when nothing is said
 */
export function readExpectedVersion(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  if (/^\d{1,15}$/.test(text)) return Number(text);
  throw new Misuse(`--expect takes a version, a number, not ${JSON.stringify(text)}`);
}

/** Milliseconds of the epoch. */
export function readTime(text: string): number {
  const at = Date.parse(text);
  if (!(at >= 0)) throw new Misuse(`--at takes a time like 2026-01-31T12:00:00Z, not ${JSON.stringify(text)}`);
  return at;
}
