import { createHash } from 'node:crypto';
import type { Address } from '@mailyard/mail';
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { makeMessageId } from './message-id.ts';
import { MessageTable } from './message-table.ts';
import { acceptance } from './model/simulated-ingress.ts';
import type { Incarnation, MessageId } from './records.ts';
import { type FoldedMessage, freshRecipient, type OpenMessage } from './open-message.ts';

function message(id: MessageId, offset: number, recipientCount: number): FoldedMessage {
  const { type: _type, message: _message, bodies: _bodies, ...envelope } = acceptance(id, offset, [], 1, 1);
  const recipients = Array.from({ length: recipientCount }, (_, recipient) =>
    freshRecipient({
      type: 'RecipientQueued',
      message: id,
      recipient,
      copy: 0,
      forwardPath: `r${recipient}@example.net` as Address,
    }),
  );
  return {
    id,
    envelope: {
      ...envelope,
      bodies: [{ kind: 'logged', offset, sizeOctets: 100 }],
      ...(offset % 3 === 0 ? { gateway: `g${offset % 2}` } : {}),
    },
    recipients: new Map(recipients.map((recipient) => [recipient.recipient, recipient])),
    attempts: [],
    lastDecision: undefined,
    fullStateOffset: offset,
    fullStatePosition: offset * 10,
    fullStateOctets: 100,
  };
}

const step = fc.record({
  what: fc.constantFrom('put', 'attempt', 'close', 'delete', 'get', 'walk'),
  id: fc.nat({ max: 12 }).map((number) => `m${number}` as MessageId),
  recipients: fc.integer({ min: 1, max: 4 }),
});

test('with however few objects it is a map in order of the last full state', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 300 }), fc.integer({ min: 0, max: 20 }), (steps, hot) => {
      const table = new MessageTable(hot);
      const naive = new Map<MessageId, FoldedMessage>();
      for (const [offset, { what, id, recipients }] of steps.entries()) {
        const [one, other] = [table.edit(id), naive.get(id)];
        expect(one).toEqual(other);
        if (other !== undefined) expect(table.at(other.fullStateOffset)).toEqual(other);
        if (![...naive.values()].some(({ fullStateOffset }) => fullStateOffset === offset - 1))
          expect(table.at(offset - 1)).toBeUndefined();
        if (what === 'put') {
          naive.delete(id);
          naive.set(id, message(id, offset, recipients));
          table.put(message(id, offset, recipients));
        } else if (what === 'delete') {
          naive.delete(id);
          table.delete(id);
        } else if (one !== undefined && other !== undefined && what === 'attempt') {
          for (const changed of [one, other]) {
            changed.attempts.push({
              attempt: { term: offset, sequence: 1 },
              incarnation: 'w1' as Incarnation,
              recipients: new Set([0]),
              host: 'h',
            });
            changed.lastDecision = { term: offset, sequence: 1 };
          }
        } else if (one !== undefined && other !== undefined && what === 'close' && one.recipients.size > 1) {
          const first = [...one.recipients.keys()][0]!;
          table.close(one, first);
          other.recipients.delete(first);
        }
        expect(table.size).toBe(naive.size);
        expect(table.first()?.id).toBe([...naive.keys()][0]);
        if (what === 'walk') {
          expect([...table]).toEqual([...naive.values()]);
          const half = offset >> 1;
          const rest = [...naive.values()].filter(({ fullStateOffset }) => fullStateOffset >= half);
          expect([...table.from(half)]).toEqual(rest);
          const seen = [...table.glance()].map(({ recipients, ...place }) => ({ ...place, who: [...recipients] }));
          expect(seen).toEqual(
            [...table].map(({ id, fullStateOffset, envelope: { gateway }, recipients }) => ({
              id,
              fullStateOffset,
              gateway,
              who: [...recipients.values()],
            })),
          );
        }
      }
      const all = [...naive.values()];
      expect([...table]).toEqual(all);
      expect(table.recipientCount).toBe(all.reduce((sum, { recipients }) => sum + recipients.size, 0));
      expect(table.liveOctets).toBe(all.length * 100);
    }),
  );
});

test('a walk goes on while messages come, go and are restated', () => {
  const table = new MessageTable(2);
  for (let number = 0; number < 5; number++) table.put(message(`m${number}` as MessageId, number, 1));
  const seen: string[] = [];
  for (const { id } of table as Iterable<OpenMessage>) {
    seen.push(id);
    if (id === 'm1') {
      table.delete('m1' as MessageId);
      table.delete('m2' as MessageId);
      table.put(message('m3' as MessageId, 7, 1));
      table.put(message('m9' as MessageId, 8, 1));
    }
  }
  expect(seen).toEqual(['m0', 'm1', 'm4', 'm3', 'm9']);
});

/** A message as most are: put off once, of ten thousand domains, with what a trace needs. */
function putOff(number: number): FoldedMessage {
  const at = 1_790_000_000_000 + number;
  const digest = createHash('sha1').update(String(number)).digest();
  const hex = digest.toString('hex');
  const plain = message(makeMessageId(at, digest), 300_000 + 3 * number, 1);
  const domain = `d${number % 10_000}.example.net`;
  const forwardPath = `recipient.${number}@${domain}` as Address;
  const waiting = { dueAt: at + 3_600_000, lastHost: `mx.${domain} [192.0.2.3]:25`, lastRouteVersion: 1 };
  return {
    ...plain,
    envelope: {
      ...plain.envelope,
      at: at + 1,
      injection: { icid: hex.slice(0, 8), listener: 'public', clientAddress: '192.0.2.9', helo: 'mail.example.org' },
      headerMessageId: `<${hex.slice(0, 24)}@example.org>`,
      copies: plain.envelope.copies.map((copy) => ({ ...copy, expiresAt: at + 259_200_000 })),
      traceparent: `00-${hex.slice(0, 32)}-${hex.slice(8, 24)}-01`,
    },
    recipients: new Map([[0, { ...plain.recipients.get(0)!, ...waiting, forwardPath }]]),
    lastDecision: { term: 7, sequence: 500_000 + number },
    fullStatePosition: 4_000_000_000 + 1_300 * number,
    fullStateOctets: 1_300,
  };
}

// What was counted (145), and a little: it is the same on any machine. The design has 300 for all that a worker keeps.
test('twenty thousand waiting recipients take at most 150 octets each', () => {
  const table = new MessageTable();
  for (let number = 0; number < 20_000; number++) table.put(putOff(number));
  expect(table.packedOctets / table.recipientCount).toBeLessThan(150);
  expect(table.peek(300_000)).toEqual(putOff(0));
});
