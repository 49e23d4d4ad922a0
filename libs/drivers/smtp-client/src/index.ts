export { SmtpRelay, type SmtpRelayOptions } from './smtp-relay.ts';
export { TIMEOUTS, type Timeouts } from './options.ts';
export { judgeCertificate } from './certificate.ts';
export { TlsContext, type TlsFiles } from './tls-context.ts';
// What another client needs to keep the same rules.
export { chooseMechanisms, type Credentials, type Mechanism } from './authentication.ts';
export { type Capabilities, parseCapabilities } from './capabilities.ts';
export { describeTls, handshakeOptions, refusalOf, serverName } from './tls-session.ts';
export { type DsnParameters, isSafePath, safeDsn } from './envelope.ts';
export {
  isTooManyRecipients,
  NO_EIGHT_BIT,
  NO_SMTPUTF8,
  TOO_LARGE,
  UNSAFE_FORWARD_PATH,
  UNSAFE_REVERSE_PATH,
} from './refusals.ts';
