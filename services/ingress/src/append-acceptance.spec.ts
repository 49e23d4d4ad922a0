import { type Address, MtaError } from '@mailyard/mail';
import type { MessageAccepted, MessageId, QueueLog } from '@mailyard/queue';
import { describe, expect, it } from 'vitest';
import { appendAcceptance } from './append-acceptance.ts';

const AT = 1_790_000_000_000;
const ACCEPTED: MessageAccepted = {
  type: 'MessageAccepted',
  message: '01m5spec0000000000000000ab' as MessageId,
  at: AT,
  injection: { icid: '1', listener: 'public', clientAddress: '192.0.2.1', helo: 'c.example' },
  reversePath: 'a@b.example' as Address,
  eightBit: false,
  smtpUtf8: false,
  copies: [],
  bodies: [],
  recipientCount: 0,
};

type Outcome = 'LOG_REFUSED' | 'LOG_UNCERTAIN' | 'fault' | number;

/** Appends against a log with these outcomes; each try takes `stepMs`. */
async function append(outcomes: readonly Outcome[], stepMs = 10) {
  let now = AT;
  let tries = 0;
  const log = {
    append: () => {
      now += stepMs;
      const outcome = outcomes[Math.min(tries++, outcomes.length - 1)]!;
      if (typeof outcome === 'number') return Promise.resolve({ firstOffset: 0, appendTime: AT + outcome });
      return Promise.reject(outcome === 'fault' ? new Error('a bug') : new MtaError(outcome, 'scripted'));
    },
  } as unknown as QueueLog;
  const clock = { now: () => now, random: (octets: number) => new Uint8Array(octets) };
  const { code } = await appendAcceptance(log, 0, [ACCEPTED], clock, 0);
  return { code, tries };
}

describe('the append of an acceptance (I1)', () => {
  it.each<[string, readonly Outcome[], number, number]>([
    ['is 250 once the log has it', [0], 250, 1],
    ['is repeated when the log refuses it, as while a leader is elected', ['LOG_REFUSED', 'LOG_REFUSED', 30], 250, 3],
    ['is 451 on a fault of ours', ['fault'], 451, 1],
    ['is repeated while its outcome is unknown', ['LOG_UNCERTAIN', 'LOG_UNCERTAIN', 30], 250, 3],
    ['is repeated on a refusal behind an unknown outcome', ['LOG_UNCERTAIN', 'LOG_REFUSED', 30], 250, 3],
    ['is void when the log took it over five minutes later', [300_001], 451, 1],
    ['is void when the log took it over five minutes before its time', [-300_001], 451, 1],
  ])('%s', async (_name, outcomes, code, tries) => {
    expect(await append(outcomes)).toEqual({ code, tries });
  });

  it('is given up as 421 after 8 s of refusals (row 12)', async () => {
    expect(await append(['LOG_REFUSED'], 2_000)).toEqual({ code: 421, tries: 4 });
  });

  it('is given up as 451 after 60 s of unknown outcomes', async () => {
    expect(await append(['LOG_UNCERTAIN'], 10_000)).toEqual({ code: 451, tries: 6 });
  });
});
