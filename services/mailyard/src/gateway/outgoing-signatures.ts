import type { DkimProfile } from '@mailyard/configuration';
import type { DkimSigner, ReportSigner } from '@mailyard/dkim';
import { MessageSigner, reportSigner, SigningKeys } from '@mailyard/dkim-signer';
import type { AccessSource } from '@mailyard/ingress';
import { parseDomain } from '@mailyard/mail';
import { type Logger, publishMailEvent } from '@mailyard/telemetry';

/** What signs mail in this process (DKIM): with keys of this machine, by the profiles of the configuration. */
export interface OutgoingSignatures {
  readonly signer: DkimSigner;
  readonly signReport: ReportSigner;
}

/**
 * @param access where the profiles are
 * @param hostname under which reports are written
 */
export function outgoingSignatures(
  access: AccessSource,
  hostname: string,
  environment: Readonly<Record<string, string | undefined>>,
  logger: Logger,
): OutgoingSignatures {
  const keys = new SigningKeys(environment, (profile, problem) => {
    if (problem === undefined) return;
    logger.warn('DKIM_KEY_UNUSABLE', { profile, problem });
    publishMailEvent({ kind: 'alarm', name: 'dkim-key', detail: `profile ${profile}: ${problem}` });
  });
  const signer = new MessageSigner(keys);
  const domain = parseDomain(hostname);
  const daemons = (): readonly DkimProfile[] =>
    (domain && access.current()?.dkim.signersOf({ localPart: 'MAILER-DAEMON', domain })) ?? [];
  return { signer, signReport: reportSigner(signer, daemons) };
}
