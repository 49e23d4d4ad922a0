import type { ContentPart, QueueMessageDetail, QueueScope } from '@mailyard/delivery-rules';
import { MtaError } from '@mailyard/mail';
import { type MessageId, midOf } from '@mailyard/queue';
import type { OldestMessages, QueueOwners } from './queue-owners.ts';
import { type LastTry, lastTries } from './tracking/last-try.ts';
import type { Tracker } from './tracking/tracker.ts';

/** A message, or one copy of it. */
export interface NamedMessage {
  readonly message: MessageId;
  readonly copy?: number;
}

/** A message that waits, and what is known of the tries at it. */
export interface ShownMessage {
  readonly detail: QueueMessageDetail;
  readonly tries: ReadonlyMap<number, LastTry>;
  /** Whether the tries are all that there were: the read model could be asked. */
  readonly hasTries: boolean;
}

/** Looks at single messages that wait (R212): their owner says what waits, the read model what came of the tries. */
export class MessageDesk {
  readonly #owners: QueueOwners;
  readonly #tracker: Tracker | undefined;

  constructor(owners: QueueOwners, tracker: Tracker | undefined) {
    this.#owners = owners;
    this.#tracker = tracker;
  }

  /** @throws MtaError `MESSAGE_NOT_WAITING` */
  async show(local: boolean, named: NamedMessage): Promise<ShownMessage> {
    const { detail } = await this.#find(local, named);
    const tries = local ? undefined : await this.#triesOf(named.message);
    return { detail, tries: tries ?? new Map<number, LastTry>(), hasTries: tries !== undefined };
  }

  /**
   * The content of the copy that is named, or of the only one that waits.
   *
   * @returns its MID; nothing is read before the first piece is asked for
   * @throws MtaError `MESSAGE_NOT_WAITING`, `COPY_NOT_NAMED`; the iterator throws `BODY_MISSING`, `BODY_STORE_AWAY`,
   *   `LOG_AWAY`, `OWNER_AWAY`
   */
  async read(
    local: boolean,
    named: NamedMessage,
    part: ContentPart,
  ): Promise<{ readonly mid: string; readonly sizeOctets: number; readonly octets: AsyncIterable<Uint8Array> }> {
    const { owner, detail } = await this.#find(local, named);
    const [first, ...others] = detail.copies;
    if (others.length > 0)
      throw new MtaError(
        'COPY_NOT_NAMED',
        `${named.message} waits in ${others.length + 1} copies: name one, ${detail.copies.map(({ mid }) => mid).join(', ')}`,
      );
    const { mid, sizeOctets } = first!;
    const copy = Number(mid.slice(mid.indexOf('-') + 1)) - 1;
    return { mid, sizeOctets, octets: owner.content(named.message, copy, part) };
  }

  oldest(local: boolean, scope: QueueScope, limit: number): Promise<OldestMessages> {
    return this.#owners.oldest(local, scope, limit);
  }

  async #find(local: boolean, { message, copy }: NamedMessage) {
    const { found, silentOwners } = await this.#owners.message(local, message, copy);
    if (found !== undefined) return found;
    const name = copy === undefined ? message : midOf(message, copy);
    const silent = silentOwners.length === 0 ? '' : `; no answer from ${silentOwners.join(', ')}`;
    throw new MtaError('MESSAGE_NOT_WAITING', `${name} does not wait${silent}`);
  }

  async #triesOf(message: MessageId): Promise<ReadonlyMap<number, LastTry> | undefined> {
    const tracker = this.#tracker;
    if (tracker === undefined || tracker.problem !== undefined) return undefined;
    try {
      await tracker.catchUp();
      const { events } = await tracker.ask({ kind: 'trace', key: message, limit: 1 });
      return lastTries(events);
    } catch {
      // What waits is told all the same.
      return undefined;
    }
  }
}
