import type { Address, Reply } from '@mailyard/mail';
import type { MailEvent, MessageId } from '@mailyard/queue';
import { describe, expect, it } from 'vitest';
import { MailLogText } from './mail-log.ts';

const message = '01krq2v9ab0000000000000000' as MessageId;
const ok: Reply = { code: 250, enhancedStatus: '2.0.0', text: 'Ok: queued as 77' };

function lines(...events: MailEvent[]): string[] {
  const written: string[] = [];
  const log = new MailLogText((level, line) => written.push(level === 'Info' ? line : `${level}: ${line}`));
  for (const event of events) log.event(event);
  log.end();
  return written;
}

function accepted(
  recipients: readonly (readonly [string, number, boolean?])[],
  policies: readonly string[],
): MailEvent {
  return {
    kind: 'accepted',
    icid: 'i1',
    message,
    reversePath: 'a@sender.example' as Address,
    recipients: recipients.map(([forwardPath, copy, dropped]) => ({
      forwardPath: forwardPath as Address,
      copy,
      dropped: dropped === true,
    })),
    copies: policies.map((policy) => ({ policy, sizeOctets: 4_400 })),
    partition: 0,
    headerMessageId: '<x@sender.example>',
    startedAt: 0,
    endedAt: 1,
    dotToReplyMs: 1,
  };
}

function delivered(recipient: number, last = false): MailEvent {
  const attempt = { term: 1, sequence: 1 };
  const record = { type: 'RecipientDelivered', message, recipient, attempt, reply: ok, dcid: 'd1', at: 5 } as const;
  return { kind: 'outcome', partition: 0, record, copy: 0, last };
}

describe('mail log (R215)', () => {
  it('tells the life of a message under one policy', () => {
    expect(
      lines(
        { kind: 'injectionOpened', icid: 'i1', listener: 'public', address: '192.0.2.7' },
        { kind: 'injectionTls', icid: 'i1', protocol: 'TLSv1.3', cipher: 'TLS_AES_256_GCM_SHA384' },
        accepted(
          [
            ['joe@x.example', 0],
            ['ann@x.example', 0],
          ] as const,
          ['DEFAULT'],
        ),
        { kind: 'injectionClosed', icid: 'i1' },
        { kind: 'connectionOpened', dcid: 'd1', host: 'mx.x.example', address: '198.51.100.1', port: 25 },
        { kind: 'mtaSts', domain: 'a.test', result: 'sts-policy-fetch-error', reason: 'mta-sts.a.test answers 404' },
        {
          kind: 'mtaSts',
          domain: 'a.test',
          session: { host: 'mx [192.0.2.1]:25', mode: 'testing' },
          result: 'validation-failure',
          reason: 'mx is none of its hosts (mx.a.test)',
        },
        {
          kind: 'mtaSts',
          domain: 'a.test',
          session: { host: 'mx.a.test [192.0.2.1]:25', mode: 'enforce' },
          result: 'successful',
        },
        { kind: 'connectionTls', dcid: 'd1', protocol: 'TLSv1.3', cipher: 'AES', certificate: 'verified' },
        {
          kind: 'connectionTls',
          dcid: 'd2',
          protocol: 'TLSv1.2',
          cipher: 'AES',
          certificate: 'unverified',
          fault: 'self-signed',
        },
        { kind: 'transactionStarted', dcid: 'd1', message, copy: 0, recipients: [0, 1] },
        delivered(0),
        delivered(1, true),
        { kind: 'connectionClosed', dcid: 'd1' },
      ),
    ).toEqual([
      'New SMTP ICID i1 interface public address 192.0.2.7',
      'ICID i1 TLS success protocol TLSv1.3 cipher TLS_AES_256_GCM_SHA384',
      `Start MID ${message}-1 ICID i1`,
      `MID ${message}-1 ICID i1 From: <a@sender.example>`,
      `MID ${message}-1 ICID i1 RID 0 To: <joe@x.example>`,
      `MID ${message}-1 ICID i1 RID 1 To: <ann@x.example>`,
      `MID ${message}-1 Message-ID '<x@sender.example>'`,
      `MID ${message}-1 ready 4400 bytes from <a@sender.example>`,
      `MID ${message}-1 matched all recipients for per-recipient policy DEFAULT in the inbound table`,
      'ICID i1 close',
      'New SMTP DCID d1 address 198.51.100.1 port 25 host mx.x.example',
      'Warning: MTA-STS domain a.test result sts-policy-fetch-error: mta-sts.a.test answers 404',
      'Warning: MTA-STS domain a.test host mx [192.0.2.1]:25 mode testing result validation-failure: mx is none of its hosts (mx.a.test)',
      'DCID d1 TLS success protocol TLSv1.3 cipher AES certificate verified',
      'DCID d2 TLS success protocol TLSv1.2 cipher AES certificate unverified: self-signed',
      `Delivery start DCID d1 MID ${message}-1 to RID [0, 1]`,
      `Message done DCID d1 MID ${message}-1 to RID [0, 1]`,
      `MID ${message}-1 RID [0, 1] Response '2.0.0 Ok: queued as 77'`,
      `Message finished MID ${message} done`,
      'DCID d1 close',
    ]);
  });

  it('tells which profiles signed a message', () => {
    const event = accepted([['joe@x.example', 0]], ['DEFAULT']);
    const signed = { by: ['rsa', 'ed'], author: 'ann@sender.example' };
    expect(lines({ ...event, signed } as MailEvent).filter((line) => line.includes('DKIM'))).toEqual([
      `MID ${message}-1 DKIM: signing with rsa - matches ann@sender.example`,
      `MID ${message}-1 DKIM: signing with ed - matches ann@sender.example`,
    ]);
  });

  it('tells which policies split a message, and what one of them dropped (R97)', () => {
    const written = lines(
      accepted(
        [
          ['joe@x.example', 0],
          ['ann@y.example', 1, true],
        ] as const,
        ['one', 'DEFAULT'],
      ),
    );
    expect(written).toContain(
      `MID ${message} was split creating MID ${message}-1 due to a per-recipient policy one in the inbound table`,
    );
    expect(written.at(-1)).toBe(`Message aborted MID ${message}-2 Dropped by policy DEFAULT`);
  });

  it('tells soft and hard bounces, expiry, drops and removals', () => {
    const base = { message, recipient: 0, at: 5 } as const;
    const decision = { term: 1, sequence: 2 };
    const outcome = (record: Extract<MailEvent, { kind: 'outcome' }>['record']): MailEvent => ({
      kind: 'outcome',
      partition: 0,
      record,
      copy: 0,
    });
    const greylisted: Reply = { code: 451, enhancedStatus: '4.7.1', text: 'try\nlater' };
    const unknown: Reply = { code: 550, text: 'no such user' };
    const waiting = { type: 'RecipientDeferred', ...base, dueAt: 9, countsAsRetry: true } as const;
    expect(
      lines(
        outcome({ ...waiting, reply: greylisted, dcid: 'd1', stage: 'rcpt', outcomeUnknown: false }),
        outcome({ ...waiting, dcid: 'd1', stage: 'endOfData', outcomeUnknown: true }),
        outcome({
          type: 'RecipientBounced',
          ...base,
          decision,
          cause: '5xx',
          stage: 'rcpt',
          reply: unknown,
          dcid: 'd1',
          report: 'r'.repeat(26) as MessageId,
        }),
        outcome({ type: 'RecipientExpired', ...base, decision }),
        outcome({ type: 'RecipientDropped', ...base, decision, reason: 'route x.example /dev/null' }),
        outcome({ type: 'RecipientDropped', ...base, reason: 'policy one' }),
        outcome({ type: 'RecipientRemoved', ...base, decision, reason: 'asked for', author: 'joe' }),
      ),
    ).toEqual([
      `Delayed: DCID d1 MID ${message}-1 to RID 0 - 4.7.1 - rcpt ('451', ['4.7.1 try', 'later']) []`,
      `Delayed: DCID d1 MID ${message}-1 to RID 0 - 4.0.0 - endOfData, outcome unknown ('000', []) []`,
      `Bounced: DCID d1 MID ${message}-1 to RID 0 - 5.0.0 - rcpt ('550', ['no such user']) []`,
      `MID ${'r'.repeat(26)}-1 was generated for bounce of MID ${message}-1 RID 0`,
      `Bounced: DCID 0 MID ${message}-1 to RID 0 - 5.4.7 - Delivery expired (message too old) ('000', []) []`,
      `MID ${message}-1 RID [0] Dropped by route x.example /dev/null`,
      `MID ${message}-1 RID [0] Removed by joe reason asked for`,
    ]);
  });

  it('tells what was refused, and what went wrong with connections and partitions', () => {
    const refused: Reply = { code: 550, enhancedStatus: '5.7.1', text: 'relaying denied' };
    expect(
      lines(
        { kind: 'injectionRefused', listener: 'public', address: '192.0.2.7', reason: 'too many connections' },
        { kind: 'senderRefused', icid: 'i1', reversePath: 'a@b', reply: refused },
        { kind: 'recipientRefused', icid: 'i1', forwardPath: 'c@d', reply: refused },
        { kind: 'contentRefused', icid: 'i1', reply: { code: 552, text: 'too big' } },
        { kind: 'connectionFailed', host: 'h', address: '192.0.2.1', port: 25, stage: 'connect', reason: 'timed out' },
        { kind: 'claimed', partition: 3, term: 77 },
        { kind: 'lost', partition: 3, reason: 'foreign claim' },
        { kind: 'alarm', name: 'undecodable-record', detail: 'partition 3 offset 9' },
      ),
    ).toEqual([
      'Warning: Connection refused interface public address 192.0.2.7 reason too many connections',
      "ICID i1 From: <a@b> Rejected ('550', ['5.7.1 relaying denied'])",
      "ICID i1 To: <c@d> Rejected ('550', ['5.7.1 relaying denied'])",
      "ICID i1 Receiving Failed: ('552', ['too big'])",
      'Connection Error: DCID 0 host: h IP: 192.0.2.1 port: 25 details: connect: timed out',
      'Partition 3 claimed term 77',
      'Warning: Partition 3 lost reason foreign claim',
      'Critical: Alarm undecodable-record: partition 3 offset 9',
    ]);
  });

  it('tell who authenticated, who failed to, and not what nobody is called', () => {
    const event = { kind: 'injectionAuthentication', icid: 'i1', mechanism: 'PLAIN' } as const;
    expect(
      lines(
        { ...event, result: 'succeeded', user: 'ada' },
        { ...event, result: 'failed', user: 'ada' },
        { ...event, result: 'failed' },
        { ...event, result: 'limited', user: 'ada' },
      ),
    ).toEqual([
      'SMTP Auth: (ICID i1) succeeded for user: ada using AUTH mechanism: PLAIN',
      'Warning: SMTP Auth: (ICID i1) failed for user: ada using AUTH mechanism: PLAIN',
      'Warning: SMTP Auth: (ICID i1) failed for user: unknown using AUTH mechanism: PLAIN',
      'Warning: SMTP Auth: (ICID i1) limited for user: ada using AUTH mechanism: PLAIN',
    ]);
  });
});
