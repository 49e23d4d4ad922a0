export { SmtpRelay, type SmtpRelayOptions } from './smtp-relay.ts';
export { TIMEOUTS, type Timeouts } from './options.ts';
