export * from './health.ts';
export * from './http-server.ts';
