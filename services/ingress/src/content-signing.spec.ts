import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { type DkimProfile, DkimProfileTable } from '@mailyard/configuration';
import type { DkimSigner } from '@mailyard/dkim';
import type { Domain } from '@mailyard/mail';
import { describe, expect, it } from 'vitest';
import { AS_STORED } from './acceptance.ts';
import { ContentSigning } from './content-signing.ts';

const PROFILE: DkimProfile = { name: 'p', domain: 'b.example', selector: 's', key: { kind: 'file', file: '/x' } };

/** What a signer sees of content that comes in these pieces; undefined where it is not asked. */
async function seen(pieces: readonly string[], sender: string | null = null): Promise<string | undefined> {
  let body: string | undefined;
  const signer: DkimSigner = {
    begin() {
      body = '';
      return {
        body: (piece) => void (body += Buffer.from(piece).toString('latin1')),
        sign: async () => ({ fields: Buffer.from('S'), by: [] }),
      };
    },
  };
  const [localPart, domain] = sender?.split('@') ?? [];
  const subject = sender === null ? null : { localPart: localPart!, domain: domain as Domain };
  const signing = new ContentSigning(signer, new DkimProfileTable([PROFILE]), subject);
  for (const piece of pieces) {
    const lent = Buffer.from(piece, 'latin1');
    signing.write(lent);
    lent.fill(0);
  }
  const octets = Buffer.from('stored');
  await signing.seal({ kind: 'inline', octets }, Buffer.from('Received: x\r\n'), [AS_STORED], 0);
  return body;
}

const cutAt = (text: string, ...cuts: number[]): string[] =>
  [...cuts, text.length].map((end, place) => text.slice(place === 0 ? 0 : cuts[place - 1], end));

describe('ContentSigning', () => {
  const content = 'Subject: a\r\n b\r\nFrom: <u@b.example>\r\n\r\nbody\r\n\r\nmore\r\n';

  it('finds author and body wherever the content is cut', async () => {
    for (let first = 0; first <= content.length; first++)
      for (let second = first; second <= content.length; second++)
        expect(await seen(cutAt(content, first, second)), `${first} ${second}`).toBe('body\r\n\r\nmore\r\n');
    expect(await seen(content.split(''))).toBe('body\r\n\r\nmore\r\n');
  });

  it.each([
    ['a header without end', 'From: u@b.example\r\n', null, ''],
    ['a header without a line end', 'From: u@b.example', null, ''],
    ['a body alone', '\r\nFrom: u@b.example\r\n', 's@b.example', undefined],
    ['no address in From', 'From: somebody\r\n\r\nx', 's@b.example', 'x'],
    ['no address at all', 'From: somebody\r\n\r\nx', null, undefined],
    ['two authors', 'From: u@b.example\r\nfrom: v@b.example\r\n\r\nx', 's@b.example', undefined],
    ['another author than sender', 'From: u@c.example\r\n\r\nx', 's@b.example', undefined],
    ['nothing', '', 's@b.example', undefined],
  ])('reads %s', async (_, text, sender, expected) => {
    expect(await seen([text], sender)).toBe(expected);
    expect(await seen(text.split(''), sender)).toBe(expected);
  });

  it('holds a header that comes octet by octet in little more than its size', () => {
    setFlagsFromString('--expose-gc');
    const collect = runInNewContext('gc') as () => void;
    const used = (): number => {
      collect();
      const { heapUsed, arrayBuffers } = process.memoryUsage();
      return heapUsed + arrayBuffers;
    };
    const signer: DkimSigner = { begin: () => expect.unreachable() };
    const signing = new ContentSigning(signer, new DkimProfileTable([PROFILE]), null);
    const octet = Buffer.from('x');
    const before = used();
    for (let octets = 0; octets < 1_000_000; octets++) signing.write(octet);
    // A piece of its own for each takes a hundred million.
    expect(used() - before).toBeLessThan(20_000_000);
    signing.write(octet);
  });
});
