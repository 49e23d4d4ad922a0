export { NodemailerRelay, type NodemailerRelayOptions } from './nodemailer-relay.ts';
export type { NodemailerTimeouts } from './timeouts.ts';
