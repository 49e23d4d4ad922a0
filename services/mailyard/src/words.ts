import { Misuse } from './server-command.ts';

/** Reads a whole number from 1. @throws Misuse */
export function readCount(what: string, text: string): number {
  if (/^[1-9]\d{0,14}$/.test(text)) return Number(text);
  throw new Misuse(`${what} is a whole number from 1, not ${JSON.stringify(text)}`);
}
