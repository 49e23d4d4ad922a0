export * from './logger.ts';
export * from './mail-events.ts';
export { MeasuredQueueLog } from './measured-queue-log.ts';
export type { Metrics } from './metrics.ts';
export { Pace } from './pace.ts';
export { escapeJson, printable, printableJson } from './printable.ts';
export * from './start-telemetry.ts';
