/** Fills the queue log of a data folder with mail that waits, as a gateway whose next hops are down would have left it. */
import { createHash } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { DiskQueueLog } from '@mailyard/disk';
import type { Address } from '@mailyard/mail';
import {
  type Decision,
  type Incarnation,
  makeMessageId,
  type MessageId,
  type QueueLog,
  type QueueRecord,
} from '@mailyard/queue';

export interface BacklogPlan {
  /** Recipients that wait. */
  readonly recipients: number;
  /** Recipient domains, which take turns. */
  readonly domains: number;
  /** Recipients of one message, all of one domain. */
  readonly perMessage: number;
  readonly bodyOctets: number;
  /** The share of the recipients that is due already; the others are due over the hour after `dueAfterMs`. */
  readonly overdue: number;
  readonly dueAfterMs: number;
}

/** Appends that are under way at once: one sync for many. */
const AT_ONCE = 2_000;
/** Deferrals in one batch, as a worker writes them. */
const DEFERRALS = 200;
/** A decision counts for five minutes after its claim (I3). */
const CLAIM_EVERY_MS = 60_000;
const INCARNATION = 'backlog' as Incarnation;
/** The waiting recipients are due spread over the hour of the longest wait. */
const DUE_WITHIN_MS = 3_600_000;

export function backlogDomain(number: number): string {
  return `d${number}.backlog.example`;
}

/** Writes the backlog into the queue log of a data folder that has none yet. */
export async function fillDataFolder(data: string, plan: BacklogPlan): Promise<void> {
  await mkdir(data, { recursive: true });
  const log = await DiskQueueLog.open(join(data, 'queue'));
  try {
    await fillLog(log, 0, plan);
  } finally {
    await log.close();
  }
}

/** Appends the backlog to one partition: every recipient was accepted, then put off once because its host was down. */
export async function fillLog(log: QueueLog, partition: number, plan: BacklogPlan, seed = 0): Promise<void> {
  const body = Buffer.alloc(plan.bodyOctets, 'The quick brown fox jumps over the lazy dog, and waits.\r\n');
  const messages = Math.ceil(plan.recipients / plan.perMessage);
  let claim = { term: 0, at: -Infinity };
  let sequence = 0;
  for (let first = 0; first < messages; first += AT_ONCE) {
    if (Date.now() - claim.at > CLAIM_EVERY_MS) {
      const at = Date.now();
      const { firstOffset } = await log.append(partition, [claimRecord(sequence, at)]);
      claim = { term: firstOffset, at };
    }
    const numbers = Array.from({ length: Math.min(AT_ONCE, messages - first) }, (_, place) => first + place);
    const ids = numbers.map((number) => idOf(seed + number));
    await Promise.all(
      numbers.map((number, place) => log.append(partition, acceptance(ids[place]!, number, body, plan))),
    );
    const deferrals: QueueRecord[] = [];
    for (const [place, number] of numbers.entries())
      for (let recipient = 0; recipient < plan.perMessage; recipient++)
        deferrals.push(
          deferral(ids[place]!, recipient, domainOf(number, plan), { term: claim.term, sequence: ++sequence }, plan),
        );
    await Promise.all(
      Array.from({ length: Math.ceil(deferrals.length / DEFERRALS) }, (_, batch) =>
        log.append(partition, deferrals.slice(batch * DEFERRALS, (batch + 1) * DEFERRALS)),
      ),
    );
  }
}

function domainOf(message: number, { domains }: BacklogPlan): string {
  return backlogDomain(message % domains);
}

function idOf(number: number): MessageId {
  return makeMessageId(Date.now(), createHash('sha1').update(String(number)).digest());
}

function claimRecord(claim: number, at: number): QueueRecord {
  return { type: 'PartitionClaimed', worker: 'load', incarnation: INCARNATION, claim, mark: 0, at };
}

function acceptance(id: MessageId, number: number, body: Uint8Array, plan: BacklogPlan): readonly QueueRecord[] {
  const at = Date.now();
  const digest = createHash('sha1').update(id).digest('hex');
  const accepted: QueueRecord = {
    type: 'MessageAccepted',
    message: id,
    at,
    injection: {
      icid: `abcdef-${number % 100_000}`,
      listener: 'public',
      clientAddress: `192.0.2.${number % 200}`,
      helo: `mail${number % 1_000}.origin.example`,
    },
    reversePath: `sender${number % 10_000}@origin.example` as Address,
    eightBit: false,
    smtpUtf8: false,
    headerMessageId: `<${digest.slice(0, 24)}@origin.example>`,
    copies: [
      {
        policy: 'DEFAULT',
        priority: 0,
        body: 0,
        prefix: new Uint8Array(),
        skipOctets: 0,
        sizeOctets: body.length,
        expiresAt: at + 259_200_000,
      },
    ],
    bodies: [{ kind: 'inline', octets: body }],
    recipientCount: plan.perMessage,
    traceparent: `00-${digest.slice(0, 32)}-${digest.slice(24, 40)}-01`,
  };
  const domain = domainOf(number, plan);
  return [
    accepted,
    ...Array.from({ length: plan.perMessage }, (_, recipient): QueueRecord => {
      const forwardPath = `recipient.${number}.${recipient}@${domain}` as Address;
      return { type: 'RecipientQueued', message: id, recipient, copy: 0, forwardPath };
    }),
  ];
}

/** A record of the wait for hosts, which takes no attempt and uses up no retry (R77). */
function deferral(
  id: MessageId,
  recipient: number,
  domain: string,
  decision: Decision,
  { overdue, dueAfterMs }: BacklogPlan,
): QueueRecord {
  const at = Date.now();
  // Spread evenly, in no order.
  const place = ((decision.sequence * 7_919) % 1_000_003) / 1_000_003;
  return {
    type: 'RecipientDeferred',
    message: id,
    recipient,
    decision,
    reply: { code: 451, enhancedStatus: '4.4.1', text: 'connect: connection refused' },
    host: `mx.${domain} [127.1.2.3]:25`,
    stage: 'connect',
    route: 'DNS',
    routeVersion: 1,
    at,
    dueAt: place < overdue ? at : Math.round(at + dueAfterMs + place * DUE_WITHIN_MS),
    countsAsRetry: false,
    outcomeUnknown: false,
  };
}
