import type { MessageId } from './records.ts';

/** Names a recipient of a message. */
export function finalKey(message: MessageId, recipient: number): string {
  return `${message}/${recipient}`;
}
