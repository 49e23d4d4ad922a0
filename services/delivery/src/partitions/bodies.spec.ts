import { MemoryBodyStore, MemoryQueueLog } from '@mailyard/memory';
import type { Copy, MessageAccepted, MessageId, OpenMessage } from '@mailyard/queue';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Bodies } from './bodies.ts';

const ID = '01jdf0k3v8pq4r5s6t7v8w9xyz' as MessageId;

function acceptance(octets: Uint8Array, copy: Partial<Copy>, bodies?: MessageAccepted['bodies']): MessageAccepted {
  return {
    type: 'MessageAccepted',
    message: ID,
    at: 0,
    injection: { icid: '', listener: '', clientAddress: '', helo: '' },
    reversePath: null,
    eightBit: false,
    smtpUtf8: false,
    copies: [
      {
        policy: '',
        priority: 0,
        body: 0,
        prefix: new Uint8Array(),
        skipOctets: 0,
        sizeOctets: octets.length,
        expiresAt: 0,
        ...copy,
      },
    ],
    bodies: bodies ?? [{ kind: 'inline', octets }],
    recipientCount: 1,
  };
}

/** As the fold would know it, with its body in the log at this offset, or in the store. */
function open(accepted: MessageAccepted, offset: number): OpenMessage {
  const bodies = accepted.bodies.map((body) =>
    body.kind === 'stored' ? body : { kind: 'logged' as const, offset, sizeOctets: body.octets.length },
  );
  return {
    id: accepted.message,
    envelope: { ...accepted, bodies },
    recipients: new Map(),
    attempts: [],
    lastDecision: undefined,
    fullStateOffset: offset,
    fullStatePosition: 0,
    fullStateOctets: 0,
  } as OpenMessage;
}

async function octetsOf(bodies: Bodies, message: OpenMessage): Promise<Buffer> {
  const { octets } = await bodies.contentOf(0, message, 0);
  if (octets instanceof Uint8Array) return Buffer.from(octets);
  const source = typeof octets === 'function' ? await octets() : octets;
  const pieces: Uint8Array[] = [];
  for await (const piece of source) pieces.push(Buffer.from(piece));
  return Buffer.concat(pieces);
}

describe('the content of a copy', () => {
  it('is the same from memory, from the log and from the store: prefix, then the body behind what is skipped', async () => {
    const log = new MemoryQueueLog();
    const store = new MemoryBodyStore();
    await fc.assert(
      fc.asyncProperty(
        fc.uint8Array({ minLength: 1, maxLength: 300 }),
        fc.uint8Array({ maxLength: 50 }),
        fc.nat(300),
        async (body, prefix, skip) => {
          const skipOctets = Math.min(skip, body.length);
          const expected = Buffer.concat([prefix, body.subarray(skipOctets)]);
          const copy = { prefix, skipOctets, sizeOctets: expected.length };
          const inline = acceptance(body, copy);
          const hot = new Bodies(log, store, 1_000_000);
          const cold = new Bodies(log, store, 0);
          hot.keep(inline);
          const { firstOffset } = await log.append(0, [inline]);
          const key = `0/${ID}/0`;
          const stored = acceptance(body, copy, [{ kind: 'stored', key, ...(await store.put(key, [body])) }]);
          expect(await octetsOf(hot, open(inline, firstOffset))).toEqual(expected);
          expect(await octetsOf(cold, open(inline, firstOffset))).toEqual(expected);
          expect(await octetsOf(cold, open(stored, firstOffset))).toEqual(expected);
        },
      ),
      { numRuns: 100 },
    );
  });

  it('keeps no more in memory than it may, the newest first', () => {
    const bodies = new Bodies(new MemoryQueueLog(), new MemoryBodyStore(), 250);
    for (let i = 0; i < 10; i++)
      bodies.keep({ ...acceptance(Buffer.alloc(100), {}), message: `${ID.slice(0, 25)}${i}` as MessageId });
    expect(bodies.hotOctets).toBe(200);
    bodies.forget(`${ID.slice(0, 25)}9` as MessageId);
    expect(bodies.hotOctets).toBe(100);
    bodies.keep(acceptance(Buffer.alloc(251), {}));
    expect(bodies.hotOctets).toBe(100);
  });

  it.each([100, 300_000])('of %i octets that is not what was stored ends with an error (I10)', async (sizeOctets) => {
    const store = new MemoryBodyStore();
    const key = `0/${ID}/0`;
    const body = Buffer.alloc(sizeOctets, 'a');
    const stored = acceptance(body, {}, [{ kind: 'stored', key, ...(await store.put(key, [body])) }]);
    const bodies = new Bodies(new MemoryQueueLog(), store, 0);
    expect(await octetsOf(bodies, open(stored, 0))).toEqual(body);
    for (const other of [Buffer.alloc(sizeOctets, 'b'), body.subarray(1), Buffer.concat([body, body])]) {
      await store.put(key, [other]);
      await expect(octetsOf(bodies, open(stored, 0))).rejects.toMatchObject({ code: 'BODY_MISSING' });
    }
  });

  it('is missing when the log holds another record in its place', async () => {
    const log = new MemoryQueueLog();
    const inline = acceptance(Buffer.from('x'), {});
    await log.append(0, [{ ...inline, message: `${ID.slice(0, 25)}0` as MessageId }]);
    const bodies = new Bodies(log, new MemoryBodyStore(), 0);
    await expect(octetsOf(bodies, open(inline, 0))).rejects.toMatchObject({ code: 'BODY_MISSING' });
  });
});
