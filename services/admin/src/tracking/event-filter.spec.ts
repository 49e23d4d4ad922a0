import { EventKind } from '@mailyard/contracts/tracking';
import { describe, expect, it } from 'vitest';
import { type EventFilter, isWanted, readFilter } from './event-filter.ts';

const DELIVERED = EventKind.EVENT_KIND_DELIVERED;
const event = (...recipients: readonly string[]) => ({
  kind: DELIVERED,
  recipients: recipients.map((forwardPath) => ({ forwardPath })),
});
const filter = (domains: readonly string[], senders: readonly string[] = []): EventFilter =>
  readFilter([], domains, senders) as EventFilter;

describe('a filter of events', () => {
  it('lets everything through that has no condition', () => {
    expect(isWanted(filter([]), event(), undefined)).toBe(true);
  });

  it('goes by the kind', () => {
    expect(isWanted({ ...filter([]), kinds: [DELIVERED] }, event('a@b.example'))).toBe(true);
    expect(isWanted({ ...filter([]), kinds: [EventKind.EVENT_KIND_BOUNCED] }, event('a@b.example'))).toBe(false);
  });

  it.each([
    ['example.com', 'u@EXAMPLE.com', true],
    ['Example.COM.', 'u@example.com', true],
    ['example.com', 'u@sub.example.com', false],
    ['.example.com', 'u@sub.example.com', true],
    ['.example.com', 'u@example.com', false],
    ['.example.com', 'u@notexample.com', false],
    ['bücher.example', 'u@xn--bcher-kva.example', true],
    ['example.com', '', false],
    ['[192.0.2.1]', 'u@[192.0.2.1]', true],
  ])('goes by the domain of a recipient: %s, %s', (domain, forwardPath, isThere) => {
    expect(isWanted(filter([domain]), event('other@else.example', forwardPath))).toBe(isThere);
  });

  it.each([
    ['joe@origin.example', 'Joe@origin.example', true],
    ['<joe@origin.example>', 'joe@origin.example', true],
    ['<>', '', true],
    ['<>', 'joe@origin.example', false],
    ['joe@origin.example', undefined, false],
  ])('goes by the reverse-path: %s, %s', (sender, reversePath, isThere) => {
    expect(isWanted(filter([], [sender]), event('u@b.example'), reversePath)).toBe(isThere);
  });

  it('wants all conditions at once', () => {
    expect(isWanted(filter(['b.example'], ['joe@o.example']), event('u@b.example'), 'ann@o.example')).toBe(false);
  });

  it.each(['', 'a b', 'u@example.com', '..', 'x..y'])('refuses %j as a domain', (domain) => {
    expect(readFilter([], ['good.example', domain], [])).toEqual({ wrong: domain });
  });
});
