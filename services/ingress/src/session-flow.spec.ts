import { type HostVerdict, UNLISTED } from '@mailyard/access';
import type { InjectionSession } from '@mailyard/smtp-receiver';
import { expect, it } from 'vitest';
import { mayRelay, SessionFlow } from './session-flow.ts';

function session(verdict: HostVerdict | undefined, user?: string): InjectionSession {
  const flow = new SessionFlow();
  flow.verdict = verdict;
  return { state: flow, user } as unknown as InjectionSession;
}

it('relays for a client whose row says so, for one that has authenticated, and for nobody else (R124, R129)', () => {
  expect(mayRelay(session({ ...UNLISTED, action: 'RELAY' }))).toBe(true);
  expect(mayRelay(session(UNLISTED, 'ann'))).toBe(true);
  expect(mayRelay(session(UNLISTED))).toBe(false);
  expect(mayRelay(session({ ...UNLISTED, action: 'REJECT' }))).toBe(false);
  expect(mayRelay(session(undefined))).toBe(false);
});
