import type { Delivery } from '@mailyard/delivery';
import type { Metrics } from '@mailyard/telemetry';
import type { ProfileCredentials } from './profile-credentials.ts';

/** Offers what a worker knows of its queues as gauges; each is read when somebody asks for the metrics. */
export function offerGauges(metrics: Metrics, delivery: Delivery, credentials: ProfileCredentials): void {
  const { queues } = delivery;
  metrics.observe('waitingRecipients', () => queues.status().waiting);
  metrics.observe('unknownRecipients', () => queues.status().outcomeUnknown);
  metrics.observe('destinations', () => queues.status().destinationCount);
  metrics.observe('unreadableSecrets', () =>
    // A series that ends would be shown with its last value for ever.
    Array.from(credentials.unreadable, ([name, isUnreadable]) => [name, isUnreadable ? 1 : 0] as const),
  );
  metrics.observe('pressure', () =>
    queues.status().partitions.flatMap((partition): [string, number][] => {
      const share = delivery.pressure(partition);
      return share === undefined ? [] : [[String(partition), share]];
    }),
  );
}
