import type { Stage } from '@mailyard/delivery-rules';
import type { Reply } from '@mailyard/mail';
import type { MessageId } from '@mailyard/queue';

/** A recipient whose attempt has failed at some hosts and goes on at the next (R57, R60). */
export interface Walk {
  /** Keys of the hosts that were tried. */
  readonly tried: readonly string[];
  readonly reply: Reply;
  readonly stage: Stage;
  /** As records name it. */
  readonly host: string;
  /** Whether the failure uses up a retry when there is no other host. */
  readonly countsAsRetry: boolean;
}

/** Recipients whose attempt goes on at another host: what was tried so far. Gone with the process, as it may be. */
export class Walks {
  readonly #walks = new Map<MessageId, Map<number, Walk>>();

  set(message: MessageId, recipient: number, walk: Walk): void {
    const walks = this.#walks.get(message);
    if (walks === undefined) this.#walks.set(message, new Map([[recipient, walk]]));
    else walks.set(recipient, walk);
  }

  /** The walk of a recipient, which is forgotten with this. */
  take(message: MessageId, recipient: number): Walk | undefined {
    if (this.#walks.size === 0) return undefined;
    const walks = this.#walks.get(message);
    const walk = walks?.get(recipient);
    if (walk === undefined || walks === undefined) return undefined;
    walks.delete(recipient);
    if (walks.size === 0) this.#walks.delete(message);
    return walk;
  }

  clear(): void {
    this.#walks.clear();
  }
}
