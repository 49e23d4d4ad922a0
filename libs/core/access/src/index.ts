export * from './access-fault.ts';
export * from './address-pattern.ts';
export * from './mail-policy.ts';
export * from './recipient-access-table.ts';
