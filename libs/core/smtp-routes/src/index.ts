export * from './destination.ts';
export * from './domain-index.ts';

export * from './foreign-tables.ts';
export * from './past-comparison.ts';
export * from './receiving-domain.ts';
export * from './route-changes.ts';
export * from './route-fault.ts';
export * from './route-file.ts';
export * from './route-grammar.ts';
export * from './route-table.ts';
export * from './smtp-route.ts';
