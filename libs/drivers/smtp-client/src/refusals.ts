import { type Reply, reply } from '@mailyard/mail';

/** What we answer ourselves in place of a host that would only refuse later, or worse, would not. */
export const UNSAFE_REVERSE_PATH: Reply = reply(553, '5.1.7', 'Reverse-path cannot be sent in a command');
export const UNSAFE_FORWARD_PATH: Reply = reply(553, '5.1.3', 'Forward-path cannot be sent in a command');
/** RFC 6531 §3.5 */
export const NO_SMTPUTF8: Reply = reply(553, '5.6.7', 'The host does not offer SMTPUTF8, which the message needs');
/** RFC 6152 §3: what may not be sent as it is and is not converted. */
export const NO_EIGHT_BIT: Reply = reply(554, '5.6.3', 'The host does not offer 8BITMIME, which the content needs');
/** RFC 1870 §6.1 */
export const TOO_LARGE: Reply = reply(552, '5.3.4', 'The message exceeds the size limit that the host announced');

/**
 * Whether a refused RCPT only means that the transaction has enough recipients (R106; RFC 5321 §4.5.3.1.10, by which
 * 552 is to be taken for 452).
 */
export function isTooManyRecipients({ code, enhancedStatus, text }: Reply): boolean {
  if (enhancedStatus !== undefined) return /^[45]\.5\.3$/.test(enhancedStatus);
  return (code === 452 || code === 552) && /too many (?:recipients|rcpts?)/i.test(text);
}
