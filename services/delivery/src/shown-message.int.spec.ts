import type { ContentPart, QueueMessage } from '@mailyard/delivery-rules';
import type { Domain } from '@mailyard/mail';
import type { MessageId } from '@mailyard/queue';
import { describe, expect, it } from 'vitest';
import { deadPort, delivery, sink, until } from './delivery-fixture.suite.ts';
import type { QueueView } from './views/queue-view.ts';

async function read(queues: QueueView, message: MessageId, part: ContentPart, copy = 0): Promise<string> {
  const pieces: Uint8Array[] = [];
  for await (const piece of queues.content(message, copy, part)) {
    expect(piece.length).toBeLessThanOrEqual(65_536);
    pieces.push(piece);
  }
  return Buffer.concat(pieces).toString('latin1');
}

const ids = (messages: readonly QueueMessage[]): MessageId[] => messages.map(({ message }) => message);

describe('R212 a message that waits', () => {
  it('is shown with its envelope, its copies and the recipients that have no end yet', async () => {
    const [port, host] = [await deadPort(), await sink()];
    const fixture = await delivery({
      routes: [`down.example 127.0.0.1:${port}`, `up.example 127.0.0.1:${host.port}`],
    });
    const to = ['a@down.example', 'b@up.example', 'c@down.example', 'd@down.example'];
    const copies = [
      { policy: 'first', to: [0, 1], priority: 3 },
      { policy: 'second', to: [2, 3] },
    ];
    const message = await fixture.submit({ from: null, to, copies, notify: 'NEVER' });
    await until(() => fixture.count('RecipientDelivered') === 1 && fixture.count('RecipientDeferred') === 3);
    const { queues } = fixture.worker;
    const shown = await queues.message(message);
    expect(shown).toMatchObject({
      summary: {
        ...{ partition: 0, message, reversePath: null, accepted: 4, waiting: 3, forwardPath: 'a@down.example' },
        nextAttemptAt: fixture.started + 60_000,
      },
      copies: [
        { mid: `${message}-1`, policy: 'first', priority: 3 },
        { mid: `${message}-2`, policy: 'second', priority: 0 },
      ],
    });
    expect(shown!.recipients.map(({ recipient }) => recipient)).toEqual([0, 2, 3]);
    expect(shown!.recipients[0]).toMatchObject({
      ...{ mid: `${message}-1`, forwardPath: 'a@down.example', retries: expect.any(Number), notify: 'NEVER' },
      ...{ destination: `127.0.0.1:${port}`, underwayTo: undefined },
    });
    const one = await queues.message(message, 1);
    expect(one!.copies.map(({ mid }) => mid)).toEqual([`${message}-2`]);
    expect(one!.recipients.map(({ recipient }) => recipient)).toEqual([2, 3]);
    expect(await queues.message(message, 2)).toBeUndefined();
    expect(await queues.message(message.replace(/.$/, '0') as MessageId)).toBeUndefined();
  });

  it('names the host of an attempt that has not ended', async () => {
    let isAtDot = false;
    const host = await sink({
      onStep: ({ step }) => {
        if (step !== 'dot') return undefined;
        isAtDot = true;
        return new Promise(() => undefined);
      },
    });
    const fixture = await delivery({ routes: [`slow.example 127.0.0.1:${host.port}`] });
    const message = await fixture.submit({ to: ['u@slow.example'] });
    await until(() => isAtDot);
    const shown = await fixture.worker.queues.message(message);
    expect(shown!.recipients[0]!.underwayTo).toContain(`:${host.port}`);
  });

  const HEADER = `Subject: long\r\nX-Octets: \u00ff\u00fe\r\n`;
  const BODY = `\r\n.\r\n\u0000\u001b]0;x\u0007${'0123456789abcdef'.repeat(30_000)}`;

  it.each([
    ['inline in the log', { stored: false, hotBodyOctets: 0 }],
    ['inline, still in memory', { stored: false, hotBodyOctets: 10_000_000 }],
    ['in the body store', { stored: true, hotBodyOctets: 0 }],
  ])('is read octet for octet, and its header alone: %s', async (_place, { stored, hotBodyOctets }) => {
    const port = await deadPort();
    const fixture = await delivery({ routes: [`down.example 127.0.0.1:${port}`], settings: { hotBodyOctets } });
    const to = ['a@down.example', 'b@down.example'];
    const skipOctets = 'Subject: long\r\n'.length;
    const copies = [
      { policy: 'first', to: [0] },
      { policy: 'second', to: [1], prefix: 'Subject: [tag] long\r\n', skipOctets },
    ];
    const message = await fixture.submit({ to, content: HEADER + BODY, copies, stored });
    await until(() => fixture.count('RecipientDeferred') === 2);
    const { queues } = fixture.worker;
    expect(await read(queues, message, 'whole')).toBe(HEADER + BODY);
    expect(await read(queues, message, 'header')).toBe(HEADER);
    const tagged = `Subject: [tag] long\r\n${HEADER.slice(skipOctets)}`;
    expect(await read(queues, message, 'whole', 1)).toBe(tagged + BODY);
    expect(await read(queues, message, 'header', 1)).toBe(tagged);
  });

  it('with a header section above what is read first is read to its end', async () => {
    const port = await deadPort();
    const fixture = await delivery({ routes: [`down.example 127.0.0.1:${port}`] });
    const header = `X-Long: ${'x'.repeat(70)}\r\n`.repeat(2_000);
    const message = await fixture.submit({ to: ['a@down.example'], content: `${header}\r\nbody\r\n`, stored: true });
    await until(() => fixture.count('RecipientDeferred') === 1);
    expect(await read(fixture.worker.queues, message, 'header')).toBe(header);
  });

  it('is refused by code where it does not wait, or its body is gone', async () => {
    const port = await deadPort();
    const fixture = await delivery({ routes: [`down.example 127.0.0.1:${port}`] });
    const message = await fixture.submit({ to: ['a@down.example'], stored: true });
    await until(() => fixture.count('RecipientDeferred') === 1);
    const { queues } = fixture.worker;
    await expect(read(queues, message, 'whole', 1)).rejects.toMatchObject({ code: 'MESSAGE_NOT_WAITING' });
    await fixture.bodies.delete(`0/${message}/0`);
    await expect(read(queues, message, 'whole')).rejects.toMatchObject({ code: 'BODY_MISSING' });
    await queues.end({ kind: 'all' }, { kind: 'remove', reason: 'x', author: 'x' }, undefined);
    await until(() => fixture.waiting === 0);
    await expect(read(queues, message, 'header')).rejects.toMatchObject({ code: 'MESSAGE_NOT_WAITING' });
  });

  it('is among the oldest of all, of a domain or of a destination, in the order in which they came', async () => {
    const [port, other] = [await deadPort(), await deadPort()];
    const fixture = await delivery({
      routes: [`a.example 127.0.0.1:${port}`, `b.example 127.0.0.1:${other}`],
      partitions: 2,
    });
    await until(() => fixture.worker.queues.status().partitions.length === 2);
    const sent: MessageId[] = [];
    for (let n = 0; n < 12; n++)
      sent.push(await fixture.submit({ to: [n % 3 === 0 ? 'u@b.example' : 'u@a.example'], partition: n % 2 }));
    await until(() => fixture.count('RecipientDeferred') === 12);
    const { queues } = fixture.worker;
    expect(ids(await queues.oldest({ kind: 'all' }, 1))).toEqual(sent.slice(0, 1));
    expect(ids(await queues.oldest({ kind: 'all' }, 5))).toEqual(sent.slice(0, 5));
    expect(ids(await queues.oldest({ kind: 'all' }, 100))).toEqual(sent);
    const ofB = sent.filter((_, n) => n % 3 === 0);
    expect(ids(await queues.oldest({ kind: 'domain', domain: 'b.example' as Domain }, 3))).toEqual(ofB.slice(0, 3));
    const destination = { kind: 'destination', destination: `127.0.0.1:${other}` } as const;
    expect(ids(await queues.oldest(destination, 100))).toEqual(ofB);
    expect(await queues.oldest({ kind: 'domain', domain: 'c.example' as Domain }, 3)).toEqual([]);
  });
});
