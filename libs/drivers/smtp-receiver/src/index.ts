export * from './command.ts';
export * from './content-framer.ts';
export * from './handler.ts';
export * from './receiver.ts';
export * from './sasl.ts';
