export * from './accept-domains.ts';
export * from './live-configuration.ts';
