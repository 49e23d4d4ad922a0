/** Puts the HTTP API together: who may sign in, what is pending, and the paths of each resource. */
import { join } from 'node:path';
import type { TokenFinder } from '@mailyard/grpc';
import type { HttpHandler } from '@mailyard/http';
import type { Logger } from '@mailyard/telemetry';
import { MessageDesk } from '../message-desk.ts';
import type { QueueOwners } from '../queue-owners.ts';
import type { EventFeed } from '../tracking/event-feed.ts';
import type { PastMail } from '../tracking/past-mail.ts';
import type { Tracker } from '../tracking/tracker.ts';
import { type ApiOperation, ApiServer } from './api-server.ts';
import { changePaths } from './change-paths.ts';
import type { ConfigurationDesk } from './configuration-desk.ts';
import { DraftStore } from './draft-store.ts';
import { FirstCode } from './first-code.ts';
import { Gate } from './gate.ts';
import { itemPaths } from './item-paths.ts';
import { messagePaths } from './message-paths.ts';
import { overviewPaths } from './overview-paths.ts';
import { pastPaths } from './past-paths.ts';
import { PendingChanges } from './pending-changes.ts';
import { pendingPaths } from './pending-paths.ts';
import { eventPaths } from './event-paths.ts';
import { endingPaths } from './ending-paths.ts';
import { queuePaths } from './queue-paths.ts';
import { QueueView } from './queue-view.ts';
import { RateBoard } from './rate-board.ts';
import { routePaths } from './route-paths.ts';
import { sessionPaths } from './session-paths.ts';
import { SessionFile } from './session-file.ts';
import { SESSION_LIMITS, Sessions } from './sessions.ts';
import { setupPaths } from './setup-paths.ts';
import { suspensionPaths } from './suspension-paths.ts';
import { trackingPaths } from './tracking-paths.ts';
import { UserFile } from './user-file.ts';

const SAMPLE_MS = 10_000;

export interface WebApiOptions {
  readonly desk: ConfigurationDesk;
  readonly owners: QueueOwners;
  readonly tracker: Tracker;
  readonly feed: EventFeed;
  readonly pastMail: PastMail;
  readonly partitionCount: number;
  readonly tokens: TokenFinder;
  /** Who may sign in: a file of JSON; it need not be there yet. */
  readonly usersFile: string;
  /** Pending changes and sessions are kept here. */
  readonly dataFolder: string;
  readonly isProxied: boolean;
  /** Tool and version. */
  readonly release: string;
  readonly logger: Logger;
  readonly now?: () => number;
}

export interface WebApi {
  /** For all paths that begin with {@link API_PREFIX}. */
  readonly handler: HttpHandler;
  /** All that it answers, for the comparison with its documentation. */
  readonly operations: readonly ApiOperation[];
  /** What whoever installs types to make the first administrator; undefined when there are users already. */
  readonly firstCode: string | undefined;
  stop(): void;
}

/** @throws MtaError `USERS_UNREADABLE` */
export async function startWebApi(options: WebApiOptions): Promise<WebApi> {
  const { desk, owners, tracker, feed, pastMail, partitionCount, tokens, isProxied, release, logger } = options;
  const now = options.now ?? Date.now;
  const users = new UserFile(options.usersFile);
  const isFirst = (await users.users()).size === 0;
  const firstCode = isFirst ? new FirstCode() : undefined;
  const report = (error: unknown): void => logger.error('HTTP_FAILED', { error });
  const sessions = new Sessions(SESSION_LIMITS, new SessionFile(join(options.dataFolder, 'sessions.json'), report));
  await sessions.load(now());
  const gate = new Gate({ users, sessions, tokens, isProxied, now });
  const pending = new PendingChanges(desk, new DraftStore(join(options.dataFolder, 'pending')));
  const queues = new QueueView(owners);
  const rates = new RateBoard();
  const audit = (what: string, detail: Readonly<Record<string, unknown>>): void => logger.info(what, detail);
  const stopping = new AbortController();
  const operations = [
    ...sessionPaths({ gate, users, now, audit, ...(firstCode === undefined ? {} : { firstCode }) }),
    ...overviewPaths({ desk, queues, tracker, rates, partitionCount }),
    ...routePaths({ desk, pending, release }),
    ...itemPaths(pending),
    ...pendingPaths(pending),
    ...pastPaths(pending, pastMail),
    ...changePaths(desk),
    ...queuePaths({ queues, partitionCount, audit }),
    ...endingPaths({ queues, audit }),
    ...suspensionPaths({ desk, now }),
    ...trackingPaths(tracker),
    ...messagePaths(new MessageDesk(owners, tracker), audit),
    ...eventPaths(feed, stopping.signal),
    ...setupPaths(desk),
  ];
  const sample = (): void => {
    tracker.ask({ kind: 'ledger' }).then(
      ({ sums }) => rates.add({ at: now(), ...sums }),
      // Away: the next sample tells what came meanwhile.
      () => undefined,
    );
  };
  sample();
  const sampling = setInterval(sample, SAMPLE_MS);
  const server = new ApiServer(operations, gate, report);
  return {
    handler: server.handler,
    operations,
    firstCode: firstCode?.text,
    stop: () => {
      clearInterval(sampling);
      stopping.abort();
    },
  };
}
