export * from './content-framer.ts';
export * from './handler.ts';
