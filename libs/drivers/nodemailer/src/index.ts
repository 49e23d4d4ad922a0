export { NodemailerRelay, type NodemailerRelayOptions, type NodemailerTimeouts } from './nodemailer-relay.ts';
