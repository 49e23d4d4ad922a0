/** Records of the queue log for tests. */
import type { Address } from '@mailyard/mail';
import type { Decision, Incarnation, MessageAccepted, MessageId, QueueRecord } from '@mailyard/queue';

/** An acceptance with so many recipients `r<RID>@<message>.example`, from `Joe@sender.example`, under one policy. */
export function acceptance(
  message: MessageId,
  at: number,
  recipientCount: number,
  reportOf?: { message: MessageId; recipient: number },
): QueueRecord[] {
  const accepted: MessageAccepted = {
    type: 'MessageAccepted',
    message,
    at,
    injection: { icid: 'i', listener: 'public', clientAddress: '192.0.2.9', helo: 'h.example' },
    reversePath: 'Joe@sender.example' as Address,
    eightBit: false,
    smtpUtf8: false,
    headerMessageId: `<${message}@sender.example>`,
    copies: [
      {
        policy: 'DEFAULT',
        priority: 0,
        body: 0,
        prefix: new Uint8Array(3),
        skipOctets: 0,
        sizeOctets: 9,
        expiresAt: at,
      },
    ],
    bodies: [{ kind: 'inline', octets: new Uint8Array(9) }],
    recipientCount,
    ...(reportOf === undefined ? {} : { reportOf }),
  };
  const queued = Array.from({ length: recipientCount }, (_, recipient): QueueRecord => {
    const forwardPath = `r${recipient}@${message}.example` as Address;
    return { type: 'RecipientQueued', message, recipient, copy: 0, forwardPath };
  });
  return [accepted, ...queued];
}

export function claim(number: number, mark = 0): QueueRecord {
  return { type: 'PartitionClaimed', worker: 'w', incarnation: 'one' as Incarnation, claim: number, mark, at: 0 };
}

export function intent(message: MessageId, recipients: readonly number[], attempt: Decision, at: number): QueueRecord {
  const route = { host: 'mx [192.0.2.1]:25', route: '.example', routeVersion: 7 };
  return { type: 'AttemptIntended', message, recipients, attempt, incarnation: 'one' as Incarnation, ...route, at };
}

export function delivery(message: MessageId, recipient: number, attempt: Decision, at: number): QueueRecord {
  const reply = { code: 250, enhancedStatus: '2.0.0', text: 'Ok: queued as 77' } as const;
  const route = { host: 'mx [192.0.2.1]:25', dcid: 'd1', route: '.example', routeVersion: 7 };
  return { type: 'RecipientDelivered', message, recipient, attempt, reply, ...route, at };
}
