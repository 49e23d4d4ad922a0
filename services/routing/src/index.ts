export * from './accept-domains.ts';
export * from './administration.ts';
export type { Change, CommitOutcome } from './commit.ts';
export type * from './ports.ts';
export * from './start-routing.ts';
export type { WaitingMail } from './preview.ts';
export type { Verification } from './verification.ts';
