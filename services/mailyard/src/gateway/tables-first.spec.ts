import type { Domain } from '@mailyard/mail';
import type { RouteDecision, RouteLookup } from '@mailyard/smtp-routes';
import { expect, it } from 'vitest';
import { tablesFirst } from './tables-first.ts';

it('no route is known before the tables with its terms are (R144)', async () => {
  const decision: RouteDecision = { version: 3, matched: 'DNS', target: { kind: 'usedns' }, since: 0 };
  const listeners: unknown[] = [];
  const routes: RouteLookup = {
    peek: () => decision,
    lookup: async () => decision,
    onChange: (listener) => listeners.push(listener),
    version: 3,
  };
  let areHere = false;
  const guarded = tablesFirst(routes, () => areHere);
  const domain = 'example.com' as Domain;
  const listener = (): void => {};
  guarded.onChange(listener);
  expect([guarded.peek(domain), await guarded.lookup(domain), guarded.version]).toEqual([undefined, 'unknown', 0]);
  areHere = true;
  expect([guarded.peek(domain), await guarded.lookup(domain), guarded.version]).toEqual([decision, decision, 3]);
  expect(listeners).toEqual([listener]);
});
