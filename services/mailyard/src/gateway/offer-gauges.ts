import type { Delivery } from '@mailyard/delivery';
import type { Metrics } from '@mailyard/telemetry';

/** Offers what a worker knows of its queues as gauges; each is read when somebody asks for the metrics. */
export function offerGauges(metrics: Metrics, delivery: Delivery): void {
  const { queues } = delivery;
  metrics.observe('waitingRecipients', () => queues.status().waiting);
  metrics.observe('unknownRecipients', () => queues.status().outcomeUnknown);
  metrics.observe('destinations', () => queues.status().destinationCount);
  metrics.observe('pressure', () =>
    queues.status().partitions.flatMap((partition): [string, number][] => {
      const share = delivery.pressure(partition);
      return share === undefined ? [] : [[String(partition), share]];
    }),
  );
}
