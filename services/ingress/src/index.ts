export * from './ports.ts';
export * from './start-ingress.ts';
export type { IngressPorts } from './transaction.ts';
