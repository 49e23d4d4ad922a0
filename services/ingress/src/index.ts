export * from './ports.ts';
export * from './start-ingress.ts';
