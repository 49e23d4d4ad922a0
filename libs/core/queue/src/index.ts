export * from './fold.ts';
export * from './message-id.ts';
export * from './ports.ts';
export * from './records.ts';
export * from './state.ts';
export * from './mail-event.ts';
