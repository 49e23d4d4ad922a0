export * from './disk-body-store.ts';
export * from './disk-configuration-log.ts';
export * from './disk-queue-log.ts';
export * from './disk-share.ts';
export * from './owner-lock.ts';
