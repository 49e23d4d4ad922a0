import { faultText, type RecipientRewriting } from '@mailyard/access';
import type { routingWire as wire } from '@mailyard/contracts';
import { parseMailbox } from '@mailyard/mail';

/** What an address becomes on receipt (R136), before routes are asked; undefined where it stays what it is, or is none. */
export function explainRewriting(recipient: string, rewriting: RecipientRewriting): wire.Rewriting | undefined {
  const mailbox = rewriting.isEmpty ? undefined : parseMailbox(recipient);
  const rewritten = mailbox === undefined ? undefined : rewriting.rewrite(mailbox);
  if (rewritten === undefined) return undefined;
  if ('fault' in rewritten) return { recipients: [], discarded: [], problem: faultText(rewritten) };
  const { mapped, alias, recipients, discarded } = rewritten;
  return {
    mapped,
    alias,
    recipients: recipients.map(({ address }) => address),
    discarded: discarded.map(({ address }) => address),
    problem: undefined,
  };
}
