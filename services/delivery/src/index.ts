export { type Clock, systemClock, type Timer } from './clock.ts';
export { resolvePlan } from './opening.ts';
export type { LedgerCounts } from './ledger.ts';
export type {
  DestinationView,
  HostView,
  QueueStatus,
  QueueView,
  WaitingPage,
  WaitingRecipientView,
} from './queue-view.ts';
export { DELIVERY_DEFAULTS, type DeliverySettings, type OutgoingCredentials, termsOfSettings } from './settings.ts';
export { type Delivery, type DeliveryOptions, startDelivery } from './worker.ts';
