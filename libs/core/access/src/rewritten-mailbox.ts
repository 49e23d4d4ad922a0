import { hasNonAscii, type Mailbox, parseMailbox } from '@mailyard/mail';

/**
 * Reads an address that a row of the domain map or the alias table leads to (R136). Its domain is taken in A-labels where
 * nothing else needs SMTPUTF8: the sender may not have asked for that, and then a host without it could have the mail all
 * the same (RFC 6531 §3.2).
 *
 * @returns undefined when it is none
 */
export function parseRewrittenMailbox(text: string): Mailbox | undefined {
  const mailbox = parseMailbox(text);
  if (mailbox?.needsSmtpUtf8 !== true || hasNonAscii(mailbox.localPart)) return mailbox;
  return parseMailbox(`${mailbox.localPart}@${mailbox.domain}`);
}
