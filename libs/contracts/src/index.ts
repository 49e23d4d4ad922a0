export * from './queue-record-codec.ts';
export { WireWriter } from './wire-writer.ts';
