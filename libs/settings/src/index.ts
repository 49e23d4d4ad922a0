export * from './certificate-files.ts';
export * from './consistency.ts';
export * from './endpoint.ts';
export * from './load.ts';
export * from './schema.ts';
export * from './secret.ts';
