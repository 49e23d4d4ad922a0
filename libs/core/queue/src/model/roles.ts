/** What the parts of a simulated worker are to each other. */
import type { Instant } from '../instant.ts';
import type { PartitionOwner } from '../owner.ts';
import type {
  Decision,
  Incarnation,
  MessageId,
  QueueRecord,
  RecipientDeferred,
  RecipientDelivered,
} from '../records.ts';
import type { AppendResult, SimulatedLog } from './simulated-log.ts';
import type { Delivery, Life } from './truth.ts';
import type { Peer, World } from './world.ts';

/** A worker as its partitions see it. */
export interface PartitionHost {
  readonly world: World;
  readonly name: string;
  readonly incarnation: Incarnation;
  readonly life: Life;
  now(): Instant;
  /** Runs something in this life, not while it stands still. */
  after(delayMs: number, run: () => void): void;
  /** What it can tell of another's presence. */
  presenceOf(incarnation: Incarnation, others: Iterable<Peer>): 'present' | 'absent' | 'unknown';
}

/** How an attempt ended for one recipient: a fact, or a refusal for good that is to become a bounce if it may. */
export interface PendingOutcome {
  readonly message: MessageId;
  readonly recipient: number;
  readonly attempt: Decision;
  readonly fact: RecipientDelivered | RecipientDeferred | undefined;
  readonly delivery?: Delivery;
}

/** A partition as what goes on in it sees it. */
export interface PartitionHome {
  readonly worker: PartitionHost;
  readonly world: World;
  readonly log: SimulatedLog;
  readonly owner: PartitionOwner;
  readonly outcomes: { add(outcome: PendingOutcome): void; flush(): void };
  readonly assignedNow: boolean;
  /** Appends all that a message has for one append. */
  appendFor(message: MessageId, records: readonly QueueRecord[], done?: (result: AppendResult) => void): void;
  ended(transaction: { readonly attempt: Decision }): void;
}
