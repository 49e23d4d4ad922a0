import { encodeUtf8, hasNonAscii } from '@mailyard/mail';
import { formatDateTime } from './date-time.ts';
import { deliveryStatus } from './delivery-status.ts';
import { printable, textField, tokenField } from './field-text.ts';
import { humanText, SUBJECTS } from './human-text.ts';
import { encodeBase64, fromOctetText } from './octets.ts';
import type { ReportRequest } from './report-request.ts';
import { type BodyPart, returnedContent } from './returned-content.ts';

/** A report, to be sent from the null reverse-path to the reverse-path of the original. */
export interface Report {
  readonly content: Uint8Array;
  /** The content needs 8BITMIME. */
  readonly eightBit: boolean;
  /** Header and envelope need SMTPUTF8. */
  readonly smtpUtf8: boolean;
  readonly headerMessageId: string;
}

/**
 * Makes the report on one recipient: multipart/report with a part to read, one for programs, and the original or its
 * header (RFC 3464, RFC 6522; RFC 6533 where addresses or header are UTF-8).
 *
 * Nothing is taken from the machine: the same request gives the same octets. What others wrote (replies, addresses, DSN
 * parameters) cannot add fields, parts or lines.
 */
export function buildReport(request: ReportRequest): Report {
  const { id, reversePath, forwardPath, orcpt, ret } = request;
  const global = request.smtpUtf8 || hasNonAscii(forwardPath) || (orcpt !== undefined && /^utf-8;/i.test(orcpt));
  const returned =
    request.original === undefined
      ? undefined
      : returnedContent(request.original, ret, global, request.returnLimitOctets);
  const parts = [text(humanText(request, global, returned?.extent ?? 'nothing')), statusPart(request, global)];
  if (returned !== undefined) parts.push(returned);
  const eightBit = parts.some(({ encoding }) => encoding === '8bit');
  const boundary = chooseBoundary(id, parts);
  const smtpUtf8 = hasNonAscii(reversePath);
  const mta = printable(request.reportingMta, false);
  const headerMessageId = `<${id}@${mta}>`;
  const header = [
    tokenField('Received', `by ${mta} (Mailyard) id ${id}; ${formatDateTime(request.at)}`),
    tokenField('From', `Mail Delivery System <MAILER-DAEMON@${mta}>`),
    tokenField('To', `<${encodeUtf8(printable(reversePath, smtpUtf8))}>`),
    textField('Subject', SUBJECTS[request.action]),
    tokenField('Date', formatDateTime(request.at)),
    tokenField('Message-ID', headerMessageId),
    ...inReplyTo(request.headerMessageId),
    tokenField('Auto-Submitted', 'auto-replied'),
    tokenField('MIME-Version', '1.0'),
    `Content-Type: multipart/report; report-type=delivery-status;\r\n boundary="${boundary}"\r\n`,
    tokenField('Content-Transfer-Encoding', eightBit ? '8bit' : '7bit'),
  ].join('');
  const body = parts.map(
    ({ type, encoding, octets }) =>
      `--${boundary}\r\nContent-Type: ${type}\r\nContent-Transfer-Encoding: ${encoding}\r\n\r\n${octets}\r\n`,
  );
  const content = fromOctetText(`${header}\r\n${body.join('')}--${boundary}--\r\n`);
  return { content, eightBit: eightBit || smtpUtf8, smtpUtf8, headerMessageId };
}

function text(readable: string): BodyPart {
  if (!hasNonAscii(readable)) return { type: 'text/plain; charset=us-ascii', encoding: '7bit', octets: readable };
  return { type: 'text/plain; charset=utf-8', encoding: 'base64', octets: encodeBase64(encodeUtf8(readable)) };
}

function statusPart(request: ReportRequest, global: boolean): BodyPart {
  const fields = deliveryStatus(request, global);
  if (!global) return { type: 'message/delivery-status', encoding: '7bit', octets: fields };
  return { type: 'message/global-delivery-status', encoding: 'base64', octets: encodeBase64(encodeUtf8(fields)) };
}

/** Both fields, when the original's Message-ID is one that a header may repeat. */
function inReplyTo(messageId: string | undefined): string[] {
  if (messageId === undefined || !/^<[!-;=?-~]{1,250}>$/.test(messageId)) return [];
  return [tokenField('In-Reply-To', messageId), tokenField('References', messageId)];
}

/** A boundary that no part contains, whoever wrote it (RFC 2046 §5.1.1). */
function chooseBoundary(id: string, parts: readonly BodyPart[]): string {
  let boundary = `report-${id}`;
  for (let n = 1; parts.some(({ octets }) => octets.includes(`--${boundary}`)); n++) boundary = `report-${id}.${n}`;
  return boundary;
}
