import type { RecipientBoard } from '@mailyard/access';
import type { OwnerDirectory } from '@mailyard/admin';
import type { ConfigurationLog } from '@mailyard/configuration';
import type { HostBoard, LimitBoard } from '@mailyard/delivery-rules';
import type { ListenerDirectory } from '@mailyard/routing';
import type { BodyStore, Incarnation, Presence, PressureBoard, QueueLog } from '@mailyard/queue';

/** What a worker tells the others of itself. */
export interface Announcement {
  readonly worker: string;
  /** Where its gRPC services are, `host:port`. */
  readonly grpc: string;
  readonly partitions: readonly number[];
  /** Names of its listeners; none where it receives no mail. */
  readonly listeners: readonly string[];
}

/**
 * All that a gateway keeps and shares, behind ports. The programs are the same on every kind; only what stands here
 * differs (docs/architecture.md, "Embedded and distributed").
 */
export interface Stores {
  readonly queueLog: QueueLog;
  /** Requests that the queue log's server answered so far, by kind; absent where there is none. */
  readonly logRequests?: () => ReadonlyMap<string, number>;
  readonly bodyStore: BodyStore;
  readonly configurationLog: ConfigurationLog;
  readonly presence: Presence;
  readonly pressure: PressureBoard;
  readonly hostBoard?: HostBoard;
  readonly limitBoard?: LimitBoard;
  /** Where receiving processes tell each other of their clients' recipients; absent where this is the only one. */
  readonly recipientBoard?: RecipientBoard;
  /** Holding the lock of the data directory is the proof of ownership (I4, I5). */
  readonly exclusive: boolean;
  /** Bodies up to this size travel in the log, unless the settings say otherwise. */
  readonly inlineOctets: number;
  /** Share of the local disk in use; 0 where nothing that matters lies on it. */
  readonly localShare: () => number;
  /** Why mail cannot be taken now, as far as the stores know; undefined while it can. */
  readonly away: () => string | undefined;
  /** Up to where the tracker has read; undefined where no tracker is known, which holds nothing back (I6). */
  readonly trackerPosition: (partition: number) => number | undefined;
  /** Tells the other processes up to where this one's tracker has read. */
  readonly shareTracker: (position: (partition: number) => number) => void;
  /** Makes this process known to the others, until the stores are closed. */
  readonly announce: (incarnation: Incarnation, card: () => Announcement) => Promise<void>;
  /** The owners in other processes; absent where there are none. */
  readonly remoteOwners?: OwnerDirectory;
  /** The listeners of all processes, undefined while that is not known; absent where this process is the only one. */
  readonly listeners?: ListenerDirectory;
  /** Settles when a store failed for good: the process must end and start again. */
  readonly failed: Promise<Error>;
  close(): Promise<void>;
}

/** How often what is slow to ask is asked. */
export const GAUGE_MS = 2000;
