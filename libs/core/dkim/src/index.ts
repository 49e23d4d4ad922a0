export * from './body-canonicalization.ts';
export * from './key-record.ts';
export * from './ports.ts';
export * from './signature.ts';
export * from './signed-fields.ts';
