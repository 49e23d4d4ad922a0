export * from './in-process-host-board.ts';
export * from './in-process-limit-board.ts';
export * from './in-process-presence.ts';
export * from './in-process-pressure-board.ts';
export * from './memory-body-store.ts';
export * from './memory-configuration-log.ts';
export * from './memory-queue-log.ts';
