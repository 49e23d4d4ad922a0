import type { Address } from '@mailyard/mail';
import { makeMessageId } from '../message-id.ts';
import type { BodyReference, Copy, MessageAccepted, MessageId, QueueRecord, RecipientQueued } from '../records.ts';
import { acceptanceHolds } from '../rules.ts';
import type { World } from './world.ts';

/** How long an append whose outcome is unknown is repeated before the client is told 451 (I1). */
const REPEAT_MS = 60_000;

/** Accepts mail: stores bodies, appends one batch, acknowledges it when the log took it in time. */
export class SimulatedIngress {
  readonly #world: World;
  readonly #skewMs: number;

  constructor(world: World) {
    this.#world = world;
    this.#skewMs = world.random.between(-1, 1) * world.faults.skewMs;
  }

  accept(): void {
    const { random, simulation } = this.#world;
    const octets = Uint8Array.from({ length: 10 }, () => random.whole(256));
    const message = makeMessageId(Math.floor(simulation.now), octets);
    const partition = random.whole(this.#world.faults.partitions);
    const records = this.#batch(message, partition);
    this.#append(message, partition, records, simulation.now + REPEAT_MS);
  }

  #batch(message: MessageId, partition: number): QueueRecord[] {
    const { random, faults, bodies, simulation } = this.#world;
    const count = 1 + random.whole(4);
    this.#world.truth.recipientCounts.set(message, count);
    const body = random.chance(faults.storedBodies)
      ? bodies.store(partition, message, 0, simulation.now)
      : ({ kind: 'inline', octets: new Uint8Array(100) } as const);
    const accepted = acceptance(message, simulation.now + this.#skewMs, [body], count, faults.expiryMs);
    const records: QueueRecord[] = [random.chance(0.2) ? { ...accepted, reversePath: null } : accepted];
    for (let recipient = 0; recipient < count; recipient++) records.push(queued(message, recipient));
    for (let recipient = 0; recipient < count; recipient++)
      if (random.chance(faults.dropped / 2))
        records.push({ type: 'RecipientDropped', message, recipient, reason: 'policy', at: accepted.at });
    return records;
  }

  #append(message: MessageId, partition: number, records: readonly QueueRecord[], until: number): void {
    const { random, simulation, faults, truth } = this.#world;
    const written = records.map((record) =>
      record.type === 'RecipientQueued' && random.chance(faults.undecodable)
        ? ({ type: 'Undecodable', reason: 'newer version' } as const)
        : record,
    );
    for (const [index, record] of records.entries())
      if (record.type === 'RecipientQueued' && written[index]!.type === 'Undecodable')
        this.#world.unreadable.add(`${message}/${record.recipient}`);
    this.#world.logs[partition]!.append(written, (result) => {
      if (typeof result === 'object') {
        const accepted = records[0] as MessageAccepted;
        if (acceptanceHolds(accepted.at, result.appendTime)) truth.acknowledged.add(message);
      } else if (simulation.now < until) {
        simulation.after(random.between(0, 2_000), () => this.#append(message, partition, records, until));
      }
    });
  }
}

export function acceptance(
  message: MessageId,
  at: number,
  bodies: readonly BodyReference[],
  recipientCount: number,
  expiryMs: number,
): MessageAccepted {
  const copy: Copy = {
    policy: 'DEFAULT',
    priority: 0,
    body: 0,
    prefix: new Uint8Array(),
    skipOctets: 0,
    sizeOctets: 100,
    expiresAt: at + expiryMs,
  };
  return {
    type: 'MessageAccepted',
    message,
    at,
    injection: { icid: '1', listener: 'public', clientAddress: '192.0.2.1', helo: 'client.example' },
    reversePath: 'sender@example.com' as Address,
    eightBit: false,
    smtpUtf8: false,
    copies: [copy],
    bodies,
    recipientCount,
  };
}

export function queued(message: MessageId, recipient: number): RecipientQueued {
  return {
    type: 'RecipientQueued',
    message,
    recipient,
    copy: 0,
    forwardPath: `r${recipient}@example.net` as Address,
  };
}
