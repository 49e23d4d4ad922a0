export * from './access-tables.ts';
export * from './chain.ts';
export * from './change-set.ts';
export * from './fold.ts';
export * from './ports.ts';
export * from './sections.ts';
export * from './state.ts';
export * from './validate.ts';
