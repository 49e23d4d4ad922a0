import { formatReply } from '@mailyard/mail';
import { formatDateTime } from './date-time.ts';
import { breakLines, printable } from './field-text.ts';
import type { ReportAction, ReportRequest } from './report-request.ts';

export const SUBJECTS: Readonly<Record<ReportAction, string>> = {
  failed: 'Undelivered mail returned to sender',
  delayed: 'Delayed mail (still being tried)',
  relayed: 'Mail passed on (no further reports)',
};

/**
 * What the sender reads: plain English, whom it concerns, what was said, what happens next. In CRLF lines.
 *
 * @param returned what of the original comes with it
 */
export function humanText(request: ReportRequest, utf8: boolean, returned: 'message' | 'header' | 'nothing'): string {
  const { forwardPath, host, reply } = request;
  const [name = ''] = (host ?? '').split(' ');
  const said = printable(formatReply(reply), utf8);
  const paragraphs = [
    `This is the mail gateway at ${printable(request.reportingMta, false)}.`,
    opening(request),
    `    <${printable(forwardPath, utf8)}>`,
    ...(host === undefined
      ? ['The reason is:', indented(said)]
      : [`The host ${printable(name, false)} said:`, indented(said)]),
    closing(request, ATTACHED[returned]),
  ];
  return `${paragraphs.join('\r\n\r\n')}\r\n`;
}

function opening({ action, arrivedAt }: ReportRequest): string {
  const message = `Your message of ${formatDateTime(arrivedAt)}`;
  switch (action) {
    case 'failed':
      return `${message}\r\ncould not be delivered to this recipient and will not be tried again:`;
    case 'delayed':
      return `${message}\r\nhas not been delivered to this recipient yet:`;
    default:
      return `${message}\r\nwas passed on for this recipient to a host that does not report on delivery:`;
  }
}

const ATTACHED = {
  message: '\r\nYour message is attached.',
  header: '\r\nThe header of your message is attached.',
  nothing: '',
};

function closing({ action, willRetryUntil }: ReportRequest, attached: string): string {
  switch (action) {
    case 'failed':
      return `Details for mail programs and administrators are attached.${attached}`;
    case 'delayed': {
      const until = willRetryUntil === undefined ? '' : ` until ${formatDateTime(willRetryUntil)}`;
      return `You need not send it again: it will be tried${until}.${attached}`;
    }
    default:
      return `You will hear no more of it, unless it fails further on.${attached}`;
  }
}

function indented(text: string): string {
  return breakLines(text, 4)
    .map((line) => `    ${line}`)
    .join('\r\n');
}
