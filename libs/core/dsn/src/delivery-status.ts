import { decodeXtext, type EnhancedStatus, formatReply, hasNonAscii } from '@mailyard/mail';
import { formatDateTime } from './date-time.ts';
import { printable, textField, tokenField } from './field-text.ts';
import type { ReportRequest } from './report-request.ts';

/**
 * The fields of a report on one recipient: about the message, an empty line, about the recipient.
 *
 * @param utf8 for `message/global-delivery-status` (RFC 6533 §3), else all is US-ASCII
 * @see RFC 3464 §2.1
 */
export function deliveryStatus(request: ReportRequest, utf8: boolean): string {
  const { envid, orcpt, forwardPath, action, reply, host, lastAttemptAt, willRetryUntil } = request;
  let fields = tokenField('Reporting-MTA', `dns; ${printable(request.reportingMta, false)}`);
  if (envid !== undefined) fields += tokenField('Original-Envelope-Id', printable(decodeXtext(envid), false));
  fields += `${tokenField('Arrival-Date', formatDateTime(request.arrivedAt))}\r\n`;
  const original = orcpt === undefined ? undefined : originalRecipient(orcpt, utf8);
  if (original !== undefined) fields += tokenField('Original-Recipient', original);
  const type = hasNonAscii(forwardPath) ? 'utf-8' : 'rfc822';
  fields += tokenField('Final-Recipient', `${type}; ${printable(forwardPath, utf8)}`);
  fields += tokenField('Action', action);
  fields += tokenField('Status', statusOf(request));
  if (host !== undefined) {
    // `name [address]:port` is for logs; here the name alone is wanted.
    const [name = ''] = host.split(' ');
    fields += tokenField('Remote-MTA', `dns; ${printable(name, false)}`);
    fields += textField('Diagnostic-Code', `smtp; ${printable(formatReply(reply), utf8)}`);
  }
  if (lastAttemptAt !== undefined) fields += tokenField('Last-Attempt-Date', formatDateTime(lastAttemptAt));
  if (action === 'delayed' && willRetryUntil !== undefined) {
    fields += tokenField('Will-Retry-Until', formatDateTime(willRetryUntil));
  }
  return fields;
}

/** The status that the action and the reply make: 2.x.x only for what was relayed, never for the others. */
export function statusOf({ action, reply }: Pick<ReportRequest, 'action' | 'reply'>): EnhancedStatus {
  const { enhancedStatus, code } = reply;
  if (action === 'relayed') return enhancedStatus?.startsWith('2') ? enhancedStatus : '2.0.0';
  if (action === 'delayed') return enhancedStatus?.startsWith('4') ? enhancedStatus : '4.0.0';
  if (enhancedStatus !== undefined && !enhancedStatus.startsWith('2')) return enhancedStatus;
  return code >= 400 && code < 500 ? '4.0.0' : '5.0.0';
}

/** `addr-type; address` of an ORCPT; undefined when it is malformed. */
function originalRecipient(orcpt: string, utf8: boolean): string | undefined {
  const match = /^([A-Za-z0-9-]+);(.+)$/s.exec(orcpt);
  if (match === null) return undefined;
  const [, type, xtext] = match as unknown as [string, string, string];
  return `${type.toLowerCase()}; ${printable(decodeXtext(xtext), utf8)}`;
}
