/** How the memory of the last ten minutes names what ended in them. */
import type { Decision, MessageId } from './records.ts';

/** A recipient that has its final outcome. */
export function finalKey(message: MessageId, recipient: number): string {
  return `${message}/${recipient}`;
}

/** A recipient's part in an attempt. */
export function endedKey(message: MessageId, recipient: number, attempt: Decision): string {
  return `${message}/${recipient}/${attempt.term}.${attempt.sequence}`;
}
