import type { Tracker } from '../tracking/tracker.ts';
import { unownedPartitions } from '../queue-owners.ts';
import type { ApiOperation } from './api-server.ts';
import type { ConfigurationDesk } from './configuration-desk.ts';
import { KeptAnswer } from './kept-answer.ts';
import { destinationJson } from './queue-paths.ts';
import type { QueueView } from './queue-view.ts';
import type { RateBoard } from './rate-board.ts';
import { needsSetup } from './setup-paths.ts';

const DESTINATIONS_SHOWN = 20;

export interface OverviewPathsOptions {
  readonly desk: ConfigurationDesk;
  readonly queues: QueueView;
  readonly tracker: Tracker;
  readonly rates: RateBoard;
  readonly partitionCount: number;
}

/** The first page: how much mail came, went and waits. */
export function overviewPaths({ desk, queues, tracker, rates, partitionCount }: OverviewPathsOptions): ApiOperation[] {
  const ledger = new KeptAnswer(async () => {
    const { sums } = await tracker.ask({ kind: 'ledger' });
    const { accepted, delivered, bounced, expired, dropped, removed, waiting, outcomeUnknown } = sums;
    return { accepted, delivered, bounced, expired, dropped, removed, waiting, outcomeUnknown };
  });
  return [
    {
      method: 'GET',
      path: '/api/v1/overview',
      role: 'reader',
      handle: async () => {
        const [summary, busiest, sums] = await Promise.all([
          queues.summary.get(),
          queues.list('', '-waiting', 0, DESTINATIONS_SHOWN),
          // A read model that is away leaves the ledger out; what waits is still told.
          ledger.get().catch(() => undefined),
        ]);
        const { state } = desk;
        return {
          isPolled: true,
          json: {
            ...(sums === undefined ? {} : { ledger: sums }),
            rates: rates.rates(),
            minutes: rates.minutes(),
            destinations: busiest.destinations.map(destinationJson),
            destinationCount: busiest.total,
            waiting: summary.waiting,
            outcomeUnknown: summary.outcomeUnknown,
            silentOwners: summary.silentOwners,
            unownedPartitions: unownedPartitions(summary.partitions, partitionCount),
            needsSetup: needsSetup(state),
            version: state.version,
          },
        };
      },
    },
  ];
}
