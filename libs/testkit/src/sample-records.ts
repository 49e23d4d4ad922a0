/** Records as the services write them, for suites and specs. */
import type { Address } from '@mailyard/mail';
import type {
  AttemptIntended,
  Incarnation,
  MessageAccepted,
  MessageId,
  PartitionClaimed,
  QueueRecord,
  RecipientDelivered,
  RecipientQueued,
} from '@mailyard/queue';

/** A message id with this number in it. */
export function sampleMessageId(number: number): MessageId {
  return String(number).padStart(26, '0') as MessageId;
}

export function sampleAccepted(message: MessageId, body: Uint8Array, recipientCount = 1): MessageAccepted {
  return {
    type: 'MessageAccepted',
    message,
    at: 1_764_000_000_000,
    injection: { icid: '42', listener: 'public', clientAddress: '192.0.2.7', helo: 'mail.example.org' },
    reversePath: 'alice@example.org' as Address,
    eightBit: true,
    smtpUtf8: false,
    headerMessageId: '<1@example.org>',
    copies: [
      {
        policy: 'DEFAULT',
        priority: 0,
        body: 0,
        prefix: new Uint8Array(),
        skipOctets: 0,
        sizeOctets: body.length,
        expiresAt: 1_764_259_200_000,
      },
    ],
    bodies: [{ kind: 'inline', octets: body }],
    recipientCount,
    traceparent: '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01',
  };
}

export function sampleQueued(message: MessageId, recipient = 0): RecipientQueued {
  return {
    type: 'RecipientQueued',
    message,
    recipient,
    copy: 0,
    forwardPath: `user${recipient}@example.com` as Address,
  };
}

export function sampleIntended(message: MessageId, recipients: readonly number[] = [0]): AttemptIntended {
  return {
    type: 'AttemptIntended',
    message,
    recipients,
    attempt: { term: 12, sequence: 7 },
    incarnation: '01jdf3k2m4aaaaaaaaaaaaaaaa' as Incarnation,
    host: 'mx1.example.com [192.0.2.25]:25',
    route: '.example.com',
    routeVersion: 18,
    at: 1_764_000_000_500,
  };
}

export function sampleDelivered(message: MessageId, recipient = 0): RecipientDelivered {
  return {
    type: 'RecipientDelivered',
    message,
    recipient,
    attempt: { term: 12, sequence: 7 },
    reply: { code: 250, enhancedStatus: '2.0.0', text: 'Ok: queued as 4Xyz\n\u00e9' },
    host: 'mx1.example.com [192.0.2.25]:25',
    dcid: '7',
    route: '.example.com',
    routeVersion: 18,
    at: 1_764_000_001_000,
  };
}

export function sampleClaim(claim: number, mark = 0): PartitionClaimed {
  return {
    type: 'PartitionClaimed',
    worker: 'worker-1',
    incarnation: '01jdf3k2m4aaaaaaaaaaaaaaaa' as Incarnation,
    claim,
    mark,
    at: 1_764_000_000_000 + claim,
  };
}

/** One acceptance's batch. */
export function sampleBatch(number: number, bodyOctets = 100, recipientCount = 1): QueueRecord[] {
  const message = sampleMessageId(number);
  const body = Uint8Array.from({ length: bodyOctets }, (_, at) => (at * 31 + number) & 255);
  const queued = Array.from({ length: recipientCount }, (_, recipient) => sampleQueued(message, recipient));
  return [sampleAccepted(message, body, recipientCount), ...queued];
}
