import { describe, expect, it } from 'vitest';
import { MessageHeader } from './message-header.ts';

const header = (text: string): MessageHeader => new MessageHeader(Buffer.from(text));
const authors = (text: string): string[] =>
  header(`${text}\r\n\r\n`)
    .authors()
    .map(({ localPart, domain }) => `${localPart}@${domain}`);

describe('the header of a message', () => {
  it.each([
    ['From: a@b.example', ['a@b.example']],
    ['From: "Doe, <x@y.example>" <a@b.example>', ['a@b.example']],
    ['From: Ann\r\n <a@b.example>\r\nReply-To: <c@d.example>', ['a@b.example', 'c@d.example']],
    ['Reply-To: c@d.example\r\nFROM: <a@B.Example>', ['a@b.example', 'c@d.example']],
    ['From: <a@b\u00fccher.example>', ['a@xn--bcher-kva.example']],
    ['From: nobody', []],
    ['Subject: From: a@b.example', []],
  ])('%j names %j (R113)', (text, expected) => {
    expect(authors(text)).toEqual(expected);
  });

  it('ends at the first empty line, or where the content does', () => {
    expect(header('A: 1\r\n\r\nReceived: x\r\n\r\n').octets.toString()).toBe('A: 1\r\n');
    expect(header('A: 1\r\n')).toMatchObject({ complete: true });
    expect(header(`A: 1\r\n\r\n${'x'.repeat(1_048_576)}`)).toMatchObject({ complete: true });
    expect(header(`A: ${'x'.repeat(1_048_576)}\r\n\r\n`)).toMatchObject({ complete: false });
    expect(header('a\r\n'.repeat(400_000))).toMatchObject({ complete: false });
  });

  it('reads 20,000 fields, and names of the object prototype as names (row 19)', () => {
    const many = header(
      `__proto__: x\r\nconstructor: y\r\n${'Received: z\r\n'.repeat(20_000)}Message-ID: <i@d>\r\n\r\n`,
    );
    expect(many.received(100_000)).toBe(20_000);
    expect(many.received(100)).toBe(101);
    expect(many.messageId).toBe('<i@d>');
  });
});
