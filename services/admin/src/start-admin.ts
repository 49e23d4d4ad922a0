import { mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { QueueOwner } from '@mailyard/delivery-rules';
import type { GrpcServer } from '@mailyard/grpc';
import type { QueueLog } from '@mailyard/queue';
import type { Logger, Metrics } from '@mailyard/telemetry';
import { type OwnerDirectory, QueueOwners } from './queue-owners.ts';
import { startWebApi, type WebApi, type WebApiOptions } from './http/web-api.ts';
import { addQueueService } from './queue-service.ts';
import { EventFeed } from './tracking/event-feed.ts';
import { PastMail } from './tracking/past-mail.ts';
import { Tracker } from './tracking/tracker.ts';
import { addTrackingService } from './tracking-service.ts';

const LAG_MS = 30_000;
const DAY_MS = 86_400_000;

export interface AdminOptions {
  readonly queueLog: QueueLog;
  /** The file of the read model; this process alone may use it. */
  readonly trackingFile: string;
  readonly retentionDays: number;
  /** How long after it was due a recipient may be silent: the longest wait between attempts, and some time to spare. */
  readonly silentAfterMs: number;
  /** Gets mailyard.queue.v1 and mailyard.tracking.v1. */
  readonly grpc: GrpcServer;
  /** The owners in this process. */
  readonly owners: readonly QueueOwner[];
  /** While true, the read model leaves the time of this process to the owners in it. */
  readonly givesWay?: () => boolean;
  /** Those in others. */
  readonly remoteOwners?: OwnerDirectory;
  readonly metrics?: Metrics;
  readonly logger: Logger;
  /** Absent: no HTTP API is made. */
  readonly web?: Omit<WebApiOptions, 'owners' | 'tracker' | 'feed' | 'pastMail' | 'partitionCount' | 'logger'>;
}

export interface Admin {
  /** The HTTP API, to be served. */
  readonly web: WebApi | undefined;
  /**
   * Up to where the read model has committed a partition: the first offset that it may still need. What an owner gives
   * to its mark, while the disk has room (I6).
   */
  position(partition: number): number;
  /** Why the read model does not answer; undefined while it does. Mail does not depend on it. */
  notReady(): string | undefined;
  stop(): Promise<void>;
}

/** Starts message tracking, and what the command line asks about queues. */
export async function startAdmin(options: AdminOptions): Promise<Admin> {
  const { queueLog, trackingFile, retentionDays, silentAfterMs, grpc, metrics, logger, givesWay } = options;
  await mkdir(dirname(trackingFile), { recursive: true });
  const retentionMs = retentionDays * DAY_MS;
  const tracker = new Tracker({
    queueLog,
    file: trackingFile,
    retentionMs,
    silentAfterMs,
    logger,
    ...(givesWay && { givesWay }),
  });
  await tracker.start();
  const owners = new QueueOwners(options.owners, options.remoteOwners);
  const { partitionCount } = queueLog;
  addQueueService(grpc, { owners, partitionCount, tracker, audit: (what, detail) => logger.info(what, detail) });
  const feed = new EventFeed({ tracker, queueLog, ...(givesWay && { givesWay }) });
  const pastMail = new PastMail({ tracker, ...(givesWay && { givesWay }) });
  addTrackingService(grpc, tracker, feed, options.web && { mail: pastMail, desk: options.web.desk });
  const web =
    options.web && (await startWebApi({ ...options.web, owners, tracker, feed, pastMail, partitionCount, logger }));
  const measuring = metrics === undefined ? undefined : measureLag(tracker, metrics);
  return {
    web,
    position: (partition) => tracker.position(partition),
    notReady: () => (tracker.problem === undefined ? undefined : `tracking: ${tracker.problem}`),
    stop: async () => {
      clearInterval(measuring);
      web?.stop();
      await tracker.stop();
    },
  };
}

/** The log must be asked where it ends, which takes time: so a scrape shows the figure of a while ago. */
function measureLag(tracker: Tracker, metrics: Metrics): NodeJS.Timeout {
  let lag: number | undefined;
  metrics.observe('trackerLag', () => lag);
  return setInterval(() => {
    tracker.lag().then(
      (now) => {
        lag = now;
      },
      () => {
        lag = undefined;
      },
    );
  }, LAG_MS);
}
