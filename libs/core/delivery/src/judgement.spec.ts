import { reply } from '@mailyard/mail';
import { describe, expect, it } from 'vitest';
import { judgeResult, judgeSession, type TransactionCircumstances } from './judgement.ts';
import type { RecipientResult, Stage } from './ports.ts';

const FRESH: TransactionCircumstances = { sentBefore: 0, withheld: false };
type Refusal = Extract<RecipientResult, { kind: 'refused' }>;

function refused(code: number, stage: Stage, appliesTo: Refusal['appliesTo']): RecipientResult {
  return { recipient: 0, kind: 'refused', reply: reply(code, code < 500 ? '4.0.0' : '5.0.0', 'no'), stage, appliesTo };
}

describe('the judgement of a transaction', () => {
  it.each<[string, RecipientResult, string, 'keep' | 'close', string]>([
    [
      'accepted is delivered',
      { recipient: 0, kind: 'accepted', reply: reply(250, '2.0.0', 'ok') },
      'delivered',
      'keep',
      'up',
    ],
    ['R60: 4yz to MAIL goes to the next host', refused(451, 'mail', 'message'), 'nextHost', 'keep', 'slow'],
    ['5yz to MAIL is final', refused(552, 'mail', 'message'), 'bounced', 'keep', 'up'],
    ['R60: 4yz to RCPT is a soft bounce', refused(450, 'rcpt', 'recipient'), 'deferred', 'keep', 'up'],
    ['R107: 5yz to RCPT bounces', refused(550, 'rcpt', 'recipient'), 'bounced', 'keep', 'up'],
    [
      '421 to RCPT is a soft bounce and ends the connection',
      refused(421, 'rcpt', 'session'),
      'deferred',
      'close',
      'slow',
    ],
    ['R60: 4yz to DATA is a soft bounce', refused(451, 'data', 'message'), 'deferred', 'keep', 'slow'],
    ['5yz to DATA bounces', refused(554, 'data', 'message'), 'bounced', 'keep', 'up'],
    ['4yz to the dot is a soft bounce', refused(451, 'endOfData', 'message'), 'deferred', 'keep', 'slow'],
    ['5yz to the dot bounces', refused(554, 'endOfData', 'message'), 'bounced', 'keep', 'up'],
    ['421 to MAIL goes to the next host', refused(421, 'mail', 'session'), 'nextHost', 'close', 'slow'],
    ['R60: 5yz to EHLO never bounces', refused(554, 'ehlo', 'session'), 'nextHost', 'keep', 'failed'],
    [
      'lost before the dot: next host',
      { recipient: 0, kind: 'failed', stage: 'data', reason: 'lost' },
      'nextHost',
      'close',
      'slow',
    ],
    [
      'R61: silence after the dot is a soft bounce',
      { recipient: 0, kind: 'unknown', reason: 'timed out' },
      'deferred',
      'close',
      'slow',
    ],
    ['R106: over the recipient limit goes again', { recipient: 0, kind: 'postponed' }, 'again', 'keep', 'up'],
  ])('%s', (claim, result, kind, connection, host) => {
    const verdict = judgeResult(result, FRESH);
    expect(verdict.recipient.kind).toBe(kind);
    expect(verdict.host).toBe(host);
    // What is about the session ends it.
    const closes = result.kind === 'refused' && result.appliesTo === 'session' ? 'close' : connection;
    expect(verdict.connection, claim).toBe(closes);
  });

  it('marks silence after the dot as outcome unknown (R61)', () => {
    const { recipient } = judgeResult({ recipient: 0, kind: 'unknown', reason: 'timed out' }, FRESH);
    expect(recipient).toMatchObject({ kind: 'deferred', outcomeUnknown: true, stage: 'endOfData' });
  });

  it('sends again what an idle connection lost before it was asked anything', () => {
    const lost: RecipientResult = { recipient: 0, kind: 'failed', stage: 'mail', reason: 'closed' };
    expect(judgeResult(lost, { sentBefore: 3, withheld: false })).toMatchObject({
      recipient: { kind: 'again' },
      host: 'up',
    });
    expect(judgeResult(lost, FRESH)).toMatchObject({ recipient: { kind: 'nextHost' }, host: 'failed' });
  });

  it('holds nothing against a host whose dot we withheld (I4)', () => {
    const lost: RecipientResult = { recipient: 0, kind: 'failed', stage: 'data', reason: 'no proof' };
    expect(judgeResult(lost, { sentBefore: 0, withheld: true })).toMatchObject({
      recipient: { kind: 'again' },
      host: 'up',
    });
  });
});

describe('the judgement of a session', () => {
  it('takes a host for down when nothing of ours is open there', () => {
    expect(judgeSession({ stage: 'connect', reason: 'refused' }, 0).host).toBe('failed');
    expect(judgeSession({ stage: 'greeting', reason: 'busy', reply: reply(421, '4.7.0', 'busy') }, 0).host).toBe(
      'failed',
    );
  });

  it('takes a host for slow that serves others of ours', () => {
    expect(judgeSession({ stage: 'greeting', reason: 'busy', reply: reply(421, '4.7.0', 'busy') }, 3).host).toBe(
      'slow',
    );
    expect(judgeSession({ stage: 'connect', reason: 'timed out' }, 3).host).toBe('slow');
  });

  it('tries no more at a host that refuses AUTH or TLS, whatever else is open (R60, R152)', () => {
    expect(judgeSession({ stage: 'auth', reason: 'no AUTH offered' }, 3).host).toBe('failed');
    expect(judgeSession({ stage: 'starttls', reason: 'handshake failed' }, 3)).toMatchObject({
      host: 'failed',
      reply: { code: 451, enhancedStatus: '4.7.5', text: 'handshake failed' },
    });
  });

  it('keeps the first cause: what the host said, or what we saw', () => {
    expect(judgeSession({ stage: 'connect', reason: 'refused' }, 0).reply).toEqual(reply(451, '4.4.1', 'refused'));
  });
});
