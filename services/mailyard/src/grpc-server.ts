import { readFileSync } from 'node:fs';
import { GrpcServer, type Token } from '@mailyard/grpc';
import { readSecret, type Settings } from '@mailyard/settings';

/**
 * Makes the gRPC server of this process from its settings; the services of the roles are added to it.
 *
 * @throws MtaError `SETTINGS_SECRET`, `GRPC_TLS_REQUIRED`, `GRPC_CALLERS_UNKNOWN`
 */
export function makeGrpcServer(
  { address, tls, tokens, certificates }: Settings['grpc'],
  environment: Readonly<Record<string, string | undefined>>,
  report: (error: unknown) => void,
): GrpcServer {
  const files = tls && {
    certificate: readFileSync(tls.certificate),
    key: readFileSync(tls.key),
    ...(tls.clientAuthority === undefined ? {} : { clientAuthority: readFileSync(tls.clientAuthority) }),
  };
  return new GrpcServer({
    address,
    ...(files === undefined ? {} : { tls: files }),
    tokens: readTokens(tokens, environment),
    certificates,
    report,
  });
}

/** The tokens of the settings with their secrets. @throws MtaError `SETTINGS_SECRET` */
export function readTokens(
  tokens: Settings['grpc']['tokens'],
  environment: Readonly<Record<string, string | undefined>>,
): Token[] {
  return tokens.map(({ name, role, token }) => ({ name, role, secret: readSecret(token, environment) }));
}
