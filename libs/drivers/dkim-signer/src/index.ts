export * from './message-signer.ts';
export * from './report-signer.ts';
export * from './signing-key.ts';
export * from './signing-keys.ts';
