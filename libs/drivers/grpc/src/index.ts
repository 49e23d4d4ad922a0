export * from './administration-client.ts';
export * from './caller.ts';
export * from './channels.ts';
export * from './google-rpc.ts';
export * from './grpc-route-lookup.ts';
export * from './grpc-server.ts';
export * from './methods.ts';
export * from './refusal.ts';
