/** A mail system that is measured as a black box: it takes mail on a port and sends it to the hosts of static routes. */
import type { MeasuredGroup } from '../measured-group.ts';

/** Where mail of a domain goes. */
export interface StaticRoute {
  readonly domain: string;
  /** Addresses or names with a port, tried in order. */
  readonly destinations: readonly string[];
}

/** What a system is started for. */
export interface Plan {
  /** Empty, on the disk whose syncs are to be measured; everything the system writes lies below it. */
  readonly folder: string;
  readonly group: MeasuredGroup;
  readonly routes: readonly StaticRoute[];
  /** `hold` accepts durably and delivers nothing. */
  readonly mode: 'hold' | 'relay';
  /** Besides what the harness has in its own; systems that are not Node programs do not look. */
  readonly environment?: Readonly<Record<string, string>>;
}

/** One that runs. */
export interface RunningSystem {
  readonly port: number;
  /** Requests that Kafka answered to it so far, by kind, of all its processes; only on Kafka. */
  readonly logRequests?: () => Promise<ReadonlyMap<string, number>>;
  /** Tries all waiting mail now. What this command costs itself is outside the measured group. */
  flush(): Promise<void>;
  /** Messages that wait. */
  waiting(): Promise<number>;
  stop(): Promise<void>;
}

/** A kind of system. */
export interface MailSystem {
  readonly name: string;
  /** Brings it here if it is missing. @throws Error with the reason why it cannot be had */
  prepare?(): Promise<void>;
  /** In words, for the record: version, and what is on disk when the 250 goes out. */
  describe(): Promise<{ readonly version: string; readonly durability: string }>;
  /** Messages of 4 KiB that are sent before anything counts, so that caches and compilers are as after an hour. */
  readonly warmUp: number;
  start(plan: Plan): Promise<RunningSystem>;
}
