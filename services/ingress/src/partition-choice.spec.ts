import type { Address } from '@mailyard/mail';
import { makeMessageId } from '@mailyard/queue';
import type { RouteDecision } from '@mailyard/smtp-routes';
import { describe, expect, it } from 'vitest';
import { choosePartition } from './partition-choice.ts';

const HUB: RouteDecision = {
  version: 1,
  matched: 'ALL',
  target: { kind: 'hosts', hosts: [{ lookup: 'name', host: 'hub.example', port: 25, priority: 0 }] },
};
const DNS: RouteDecision = { version: 1, matched: 'DNS', target: { kind: 'usedns' } };
const addresses = (...texts: string[]): Address[] => texts as Address[];
const empty = (): boolean => false;

/** The partitions of 1,000 messages to these recipients, of 64. */
function chosen(
  recipients: readonly Address[],
  route: RouteDecision | undefined,
  isFull: (partition: number) => boolean = empty,
): Set<number> {
  const partitions = new Set<number>();
  for (let n = 0; n < 1000; n++) {
    const random = Uint8Array.from({ length: 10 }, (_, i) => (n * 31 + i * 7) % 256);
    partitions.add(choosePartition(makeMessageId(n, random), recipients, 64, () => route, isFull));
  }
  return partitions;
}

describe('the partition of a message', () => {
  it('is one of at most eight for all mail to one destination, whatever the domains', () => {
    const hub = chosen(addresses('u@a.example', 'v@b.example'), HUB);
    expect(hub.size).toBeLessThanOrEqual(8);
    expect(hub.size).toBeGreaterThan(4);
    expect(chosen(addresses('w@c.example'), HUB)).toEqual(hub);
  });

  it('is any for mail to several destinations, and where the route is not cached', () => {
    expect(chosen(addresses('u@a.example', 'v@b.example'), DNS).size).toBeGreaterThan(50);
    expect(chosen(addresses('u@a.example'), undefined).size).toBeGreaterThan(50);
    expect(chosen(addresses('u@a.example'), DNS).size).toBeLessThanOrEqual(8);
  });

  it('is none that is full while another is not', () => {
    const [full] = chosen(addresses('u@a.example'), HUB);
    expect(chosen(addresses('u@a.example'), HUB, (partition) => partition === full).has(full!)).toBe(false);
    expect(chosen(addresses('u@a.example'), HUB, () => true)).toEqual(chosen(addresses('u@a.example'), HUB));
  });

  it('is 0 where there is one', () => {
    expect(choosePartition(makeMessageId(1, new Uint8Array(10)), [], 1, () => undefined, empty)).toBe(0);
  });
});
