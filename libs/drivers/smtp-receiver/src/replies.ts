import { type Reply, reply } from '@mailyard/mail';

/** What a listener says by itself. */
export const REPLIES = {
  ok: reply(250, '2.0.0', 'Ok'),
  bye: { code: 221, enhancedStatus: '2.0.0', text: 'Bye' } as Reply,
  goAhead: { code: 354, text: 'End data with <CR><LF>.<CR><LF>' } as Reply,
  readyForTls: { code: 220, enhancedStatus: '2.0.0', text: 'Ready to start TLS' } as Reply,
  cannotVerify: { code: 252, enhancedStatus: '2.5.2', text: 'Cannot verify; try to send' } as Reply,
  help: { code: 214, enhancedStatus: '2.0.0', text: 'See RFC 5321' } as Reply,
  unknown: reply(500, '5.5.2', 'Command not recognised'),
  malformed: reply(501, '5.5.4', 'Malformed arguments'),
  heloFirst: reply(503, '5.5.1', 'Say EHLO first'),
  mailFirst: reply(503, '5.5.1', 'Say MAIL first'),
  nested: reply(503, '5.5.1', 'A transaction is open already'),
  noRecipients: reply(554, '5.5.1', 'No valid recipients'),
  mixed: reply(503, '5.5.1', 'DATA cannot follow BDAT'),
  contentBegun: reply(503, '5.5.1', 'The content has begun'),
  chunk: reply(250, '2.0.0', 'Ok'),
  badChunk: reply(501, '5.5.4', 'BDAT takes a size and LAST'),
  idling: reply(503, '5.5.1', 'Too many commands without mail'),
  mailOk: reply(250, '2.1.0', 'Ok'),
  notOffered: reply(502, '5.5.1', 'Not offered here'),
  authBeforeTls: reply(538, '5.7.11', 'Encryption is required first'),
  authFirst: reply(530, '5.7.0', 'Authentication required'),
  authTwice: reply(503, '5.5.1', 'Already authenticated'),
  authWithinMail: reply(503, '5.5.1', 'Not within a transaction'),
  authUnknown: reply(504, '5.5.4', 'Mechanism not offered'),
  authCancelled: reply(501, '5.7.0', 'Authentication cancelled'),
  authMalformed: reply(501, '5.5.2', 'Malformed response'),
  authTooLong: reply(500, '5.5.6', 'Response too long'),
  authenticated: reply(235, '2.7.0', 'Authentication successful'),
  tooManyAuthentications: reply(421, '4.7.0', 'Too many failed authentications'),
  badPath: reply(501, '5.1.7', 'Malformed path'),
  badRecipient: reply(501, '5.1.3', 'Malformed address'),
  needsSmtpUtf8: reply(553, '5.6.7', 'This address needs SMTPUTF8'),
  nullRecipient: reply(501, '5.1.3', 'A recipient is needed'),
  tooManyRecipients: reply(452, '4.5.3', 'Too many recipients'),
  tooLarge: reply(552, '5.3.4', 'Message too large'),
  bareLineEnd: reply(550, '5.5.2', 'A bare CR or LF is not allowed'),
  badLine: reply(500, '5.5.2', 'A command ends in CRLF and has no control characters'),
  lineTooLong: reply(500, '5.5.2', 'Line too long'),
  notUtf8: reply(500, '5.5.2', 'Not UTF-8'),
  foreign: reply(421, '4.7.0', 'This is SMTP'),
  tooManyErrors: reply(421, '4.7.0', 'Too many errors'),
  timeout: reply(421, '4.4.2', 'Timeout, closing'),
  tooManyConnections: reply(421, '4.7.0', 'Too many connections'),
  closing: reply(421, '4.3.2', 'Shutting down'),
  fault: reply(451, '4.3.0', 'Local error, try again'),
} as const satisfies Record<string, Reply>;

/** Writes a reply as it goes over the wire, every line with its enhanced status (RFC 2034 §4). */
export function writeReply({ code, enhancedStatus, text }: Reply): string {
  const status = enhancedStatus === undefined ? '' : `${enhancedStatus} `;
  if (!text.includes('\n')) return `${code} ${status}${text}\r\n`;
  const lines = text.split('\n');
  return lines.map((line, index) => `${code}${index < lines.length - 1 ? '-' : ' '}${status}${line}\r\n`).join('');
}
