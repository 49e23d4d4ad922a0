import { faultText, GlobalUnsubscribe, type RecipientRewriting } from '@mailyard/access';
import { type ConfigurationState, itemsOf } from '@mailyard/configuration';
import { type changeSetWire, type routingWire as wire, writeUnsubscribed } from '@mailyard/contracts';
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

/** The row of the global unsubscribe list that keeps mail from an address (R148); undefined for none, and for a domain. */
export function explainUnsubscribed(
  recipient: string,
  state: ConfigurationState,
): changeSetWire.Unsubscribed | undefined {
  if (state.sections.globalUnsubscribe.size === 0) return undefined;
  const mailbox = parseMailbox(recipient);
  const list = GlobalUnsubscribe.read(Array.from(itemsOf(state, 'globalUnsubscribe'), ({ item }) => item));
  const row = mailbox !== undefined && list instanceof GlobalUnsubscribe ? list.rowFor(mailbox) : undefined;
  return row === undefined ? undefined : writeUnsubscribed(row);
}
