import { dirname, join } from 'node:path';
import type { MtaStsPolicies } from '@mailyard/delivery-rules';
import { CachedPolicies, PolicyFile, PolicyHost } from '@mailyard/mta-sts';
import type { Settings } from '@mailyard/settings';
import { TlsContext } from '@mailyard/smtp-client';
import { type Logger, publishMailEvent } from '@mailyard/telemetry';
import { makeFolder } from '../make-folder.ts';
import { openResolver } from './open-resolver.ts';
import type { Unwinding } from './unwinding.ts';

/**
 * The policies of recipient domains (RFC 8461), for all roles of this process. Those that were fetched are kept in the
 * data folder where this process delivers; one that only explains fetches them for itself.
 */
export function openPolicies(settings: Settings, logger: Logger, opened: Unwinding): MtaStsPolicies {
  const { data, delivery, roles } = settings;
  const resolver = openResolver(settings);
  const { authority } = delivery;
  const tlsContext = new TlsContext(authority === undefined ? {} : { authority }, (detail) =>
    publishMailEvent({ kind: 'alarm', name: 'tls-files', detail }),
  );
  const onFileBroken = (error: unknown): void => logger.warn('MTA_STS_FILE', { error });
  const file = roles.includes('delivery') ? openFile(join(data, 'mta-sts.sqlite'), onFileBroken) : undefined;
  const policies = new CachedPolicies({
    resolver,
    host: new PolicyHost({ resolver, tlsContext }),
    ...(file === undefined ? {} : { file }),
    onFileBroken,
    onTrouble: (domain, result, reason) => publishMailEvent({ kind: 'mtaSts', domain, result, reason }),
  });
  opened.add(() => policies.close());
  return policies;
}

/** Without it a restart forgets policies; mail goes all the same. */
function openFile(path: string, onBroken: (error: unknown) => void): PolicyFile | undefined {
  try {
    makeFolder(dirname(path));
    return PolicyFile.open(path);
  } catch (error) {
    onBroken(error);
    return undefined;
  }
}
