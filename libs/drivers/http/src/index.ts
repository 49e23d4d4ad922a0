export * from './body.ts';
export * from './entity-tag.ts';
export * from './health.ts';
export * from './http-server.ts';
export * from './page-handler.ts';
export * from './path-table.ts';
