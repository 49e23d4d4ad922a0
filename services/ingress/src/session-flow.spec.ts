import { type HostVerdict, UNLISTED } from '@mailyard/access';
import type { InjectionSession } from '@mailyard/smtp-receiver';
import { expect, it } from 'vitest';
import { delayedRejection } from './host-gate.ts';
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

it('rejects at RCPT for the address of a client only one that has not authenticated (R125, R129)', () => {
  expect(delayedRejection(session({ ...UNLISTED, action: 'REJECT' }))).toMatchObject({ code: 554 });
  expect(delayedRejection(session({ ...UNLISTED, action: 'REJECT' }, 'ann'))).toBeUndefined();
});
