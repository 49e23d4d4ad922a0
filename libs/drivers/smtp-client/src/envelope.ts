import { type Address, hasNonAscii, type ReversePath } from '@mailyard/mail';
import type { Transaction, TransactionRecipient } from '@mailyard/delivery-rules';
import type { Capabilities } from './capabilities.ts';

/**
 * An address that can stand between angle brackets of a command: no control characters, and blanks and brackets only
 * inside a quoted local part. What was validated when it came in is validated again here, where it could do harm.
 */
// oxlint-disable-next-line no-control-regex -- the characters that must never reach a command line
const SAFE_PATH = /^(?:[^\s"<>\0-\x1f\x7f]|"(?:[^"\\\0-\x1f\x7f]|\\[^\0-\x1f\x7f])*")+$/;
const XTEXT = /^(?:[!-*,-<>-~]|\+[0-9A-F]{2})+$/;
const ORCPT = /^[A-Za-z0-9-]+;(?:[!-*,-<>-~]|\+[0-9A-F]{2})+$/;
// oxlint-disable-next-line no-control-regex -- as above
const UTF8_ORCPT = /^utf-8;[^\s\0-\x1f\x7f]+$/i;
const NOTIFY = /^(?:NEVER|(?:SUCCESS|FAILURE|DELAY)(?:,(?:SUCCESS|FAILURE|DELAY)){0,2})$/i;

/** Whether an address can be written into a command line without ending it or adding to it. */
export function isSafePath(path: Address): boolean {
  return path.length <= 1_000 && SAFE_PATH.test(path) && path.isWellFormed();
}

/** Whether the transaction cannot be had without SMTPUTF8 (RFC 6531 §3.2). */
export function needsSmtpUtf8(
  { smtpUtf8, reversePath }: Transaction,
  recipients: readonly TransactionRecipient[],
): boolean {
  return (
    smtpUtf8 ||
    (reversePath !== null && hasNonAscii(reversePath)) ||
    recipients.some(({ forwardPath }) => hasNonAscii(forwardPath))
  );
}

/** DSN parameters of a transaction and one of its recipients, those that are malformed left out. */
export interface DsnParameters {
  readonly ret?: 'FULL' | 'HDRS';
  readonly envid?: string;
  readonly notify?: string;
  readonly orcpt?: string;
}

/** What may be written of the DSN parameters: they come from others and end up in commands (RFC 3461 §4). */
export function safeDsn(
  { ret, envid }: Pick<Transaction, 'ret' | 'envid'>,
  { notify, orcpt }: Pick<TransactionRecipient, 'notify' | 'orcpt'>,
  smtpUtf8: boolean,
): DsnParameters {
  const isOrcpt =
    orcpt !== undefined && orcpt.length <= 500 && (ORCPT.test(orcpt) || (smtpUtf8 && UTF8_ORCPT.test(orcpt)));
  return {
    ...(ret === undefined ? {} : { ret }),
    ...(envid !== undefined && envid.length <= 100 && XTEXT.test(envid) ? { envid } : {}),
    ...(notify !== undefined && NOTIFY.test(notify) ? { notify: notify.toUpperCase() } : {}),
    ...(isOrcpt ? { orcpt } : {}),
  };
}

/**
 * The MAIL command with the parameters that the host offers and the message has, CRLF included.
 *
 * @param sizeOctets the content without stuffed dots (RFC 1870 §3)
 */
export function mailCommand(
  transaction: Transaction,
  offered: Capabilities,
  sizeOctets: number,
  smtpUtf8: boolean,
): string {
  let command = `MAIL FROM:<${pathText(transaction.reversePath)}>`;
  if (offered.size) command += ` SIZE=${sizeOctets}`;
  if (offered.eightBitMime && transaction.eightBit) command += ' BODY=8BITMIME';
  if (smtpUtf8) command += ' SMTPUTF8';
  if (offered.dsn && (transaction.ret !== undefined || transaction.envid !== undefined)) {
    const { ret, envid } = safeDsn(transaction, {}, smtpUtf8);
    if (ret !== undefined) command += ` RET=${ret}`;
    if (envid !== undefined) command += ` ENVID=${envid}`;
  }
  return `${command}\r\n`;
}

/** The RCPT command, CRLF included. */
export function rcptCommand(recipient: TransactionRecipient, offered: Capabilities, smtpUtf8: boolean): string {
  let command = `RCPT TO:<${recipient.forwardPath}>`;
  if (offered.dsn && (recipient.notify !== undefined || recipient.orcpt !== undefined)) {
    const { notify, orcpt } = safeDsn({}, recipient, smtpUtf8);
    if (notify !== undefined) command += ` NOTIFY=${notify}`;
    if (orcpt !== undefined) command += ` ORCPT=${orcpt}`;
  }
  return `${command}\r\n`;
}

function pathText(path: ReversePath): string {
  return path ?? '';
}
