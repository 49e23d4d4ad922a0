export * from './attempt-limit.ts';
export * from './private-file.ts';
export * from './scram.ts';
export * from './smtp-user-file.ts';
export * from './user-list.ts';
