export { type Clock, systemClock, type Timer } from './clock.ts';
export { resolvePlan } from './connections/opening.ts';
export type { LedgerCounts } from './outcomes/ledger.ts';
export type { QueueStatus, QueueView } from './views/queue-view.ts';
export { DELIVERY_DEFAULTS, type DeliverySettings, type OutgoingCredentials, termsOfSettings } from './settings.ts';
export { type Delivery, type DeliveryOptions, startDelivery } from './worker.ts';
