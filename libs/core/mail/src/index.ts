export * from './enhanced-status.ts';
export * from './reply.ts';
export * from './domain.ts';
export * from './mailbox.ts';
export * from './mta-error.ts';
export * from './ip-address.ts';
