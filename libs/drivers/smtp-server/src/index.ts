export * from './smtp-server-receiver.ts';
