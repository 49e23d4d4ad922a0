import { randomBytes } from 'node:crypto';
import { isSameSecret } from './sessions.ts';

/** Without letters and digits that look alike. */
const LETTERS = 'ABCDEFGHJKLMNPQRSTUVWXYZ23456789';

/** A code of 60 bits that whoever started the gateway reads on its terminal, and types once to make the first user. */
export class FirstCode {
  readonly text: string;

  constructor() {
    const letters = Array.from(randomBytes(12), (octet) => LETTERS[octet % LETTERS.length]!).join('');
    this.text = letters.replace(/(.{4})(.{4})(.{4})/, '$1-$2-$3');
  }

  /** Upper and lower case, blanks and hyphens make no difference. */
  isSame(typed: string): boolean {
    return isSameSecret(plain(typed), plain(this.text));
  }
}

function plain(text: string): string {
  return text.toUpperCase().replaceAll(/[^A-Z0-9]/g, '');
}
