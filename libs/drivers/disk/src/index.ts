export * from './disk-queue-log.ts';
export * from './disk-share.ts';
export * from './owner-lock.ts';
