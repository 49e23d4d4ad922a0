export * from './smtp-route.ts';
