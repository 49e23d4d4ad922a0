export type { IngressPorts } from './context.ts';
export * from './ports.ts';
export * from './start-ingress.ts';
