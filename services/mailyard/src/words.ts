import { Misuse } from './server-command.ts';

/** Reads a whole number from 1. @param most what a request has room for. @throws Misuse */
export function readCount(what: string, text: string, most = 999_999_999_999_999): number {
  if (/^[1-9]\d{0,14}$/.test(text) && Number(text) <= most) return Number(text);
  const bound = most < 999_999_999_999_999 ? ` to ${most}` : '';
  throw new Misuse(`${what} is a whole number from 1${bound}, not ${JSON.stringify(text)}`);
}
