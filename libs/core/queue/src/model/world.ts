import type { fold } from '../fold.ts';
import type { OwnerOptions, PartitionOwner } from '../owner.ts';
import type { Incarnation, MessageId, QueueRecord } from '../records.ts';
import type { Rules } from '../rules.ts';
import type { Faults } from './faults.ts';
import type { Random } from './random.ts';
import type { SimulatedBodies } from './simulated-bodies.ts';
import type { SimulatedLog } from './simulated-log.ts';
import type { Simulation } from './simulation.ts';
import type { Truth } from './truth.ts';

export type OwnerFactory = (options: OwnerOptions) => PartitionOwner;

/** A worker as others see it. */
export interface Peer {
  /** Whether others see its presence. */
  isPresent(incarnation: Incarnation): boolean;
  /** Whether this life of it may decide on the partition. */
  owns(partition: number, incarnation: Incarnation): boolean;
}

/** Everything that the parts of one run share. */
export interface World {
  readonly simulation: Simulation;
  readonly random: Random;
  readonly faults: Faults;
  readonly rules: Rules;
  readonly fold: typeof fold;
  readonly owner: OwnerFactory;
  /** How what is appended together is cut into batches. */
  readonly batchesOf: (records: readonly QueueRecord[]) => readonly (readonly QueueRecord[])[];
  readonly logs: readonly SimulatedLog[];
  readonly bodies: SimulatedBodies;
  readonly truth: Truth;
  /** Recipients whose record no program of this version can read. */
  readonly unreadable: Set<string>;
  /** Messages that an operator asked one worker to remove. */
  readonly toRemove: Map<MessageId, Incarnation>;
  /** How far the tracker has read, by partition. */
  readonly trackerPositions: number[];
  readonly workers: readonly Peer[];
  healthy: boolean;
}
