/** What the owner of partitions can say of the mail that waits there, for `mailyard queue` and the pages of admin. */
import type { Address, Reply, ReversePath } from '@mailyard/mail';
import type { MessageId } from '@mailyard/queue';

/** A destination that has waiting recipients or open connections. */
export interface DestinationView {
  /** As it is printed: the hosts of its route, or `DNS` and the domain. */
  readonly destination: string;
  /** Some of the recipient domains behind it. */
  readonly domains: readonly string[];
  /** Recipients that wait, those being tried included. */
  readonly waiting: number;
  /** Of those, the ones in a transaction now. */
  readonly underway: number;
  readonly connections: number;
  /** The best of its hosts; `unknown` when none was tried in a day (R75). */
  readonly state: 'up' | 'down' | 'unknown';
  /** When the first of those waiting is due. */
  readonly nextAttemptAt?: number;
  readonly lastReply?: Reply;
}

export interface WaitingRecipientView {
  readonly message: MessageId;
  /** RID */
  readonly recipient: number;
  readonly copy: number;
  readonly reversePath: ReversePath;
  readonly forwardPath: Address;
  readonly acceptedAt: number;
  readonly dueAt: number;
  readonly expiresAt: number;
  readonly retries: number;
  readonly outcomeUnknown: boolean;
  readonly partition: number;
  readonly lastHost?: string;
}

export interface QueueSummary {
  /** The partitions that these figures cover. */
  readonly partitions: readonly number[];
  readonly waiting: number;
  /** Of those waiting, the ones that a host may have taken (R61). */
  readonly outcomeUnknown: number;
}

export interface RecipientPage {
  readonly recipients: readonly WaitingRecipientView[];
  /** Where the next page begins; absent on the last one. */
  readonly next?: string;
}

/** One owner: in this process, or another one over gRPC, which then rejects when it does not answer. */
export interface QueueView {
  summary(): QueueSummary | Promise<QueueSummary>;
  /** All of them, in no particular order. */
  destinations(): readonly DestinationView[] | Promise<readonly DestinationView[]>;
  /**
   * Waiting recipients, by partition and then in rising order of the message's last full state and RID.
   *
   * @param domain only recipients of this domain, in comparable form
   * @param after the `next` of the page before; a message that was restated meanwhile may be seen twice
   */
  recipients(query: {
    readonly domain?: string;
    readonly after?: string;
    readonly limit: number;
  }): RecipientPage | Promise<RecipientPage>;
  /**
   * Makes waiting recipients due now and forgets that their hosts were down (R210).
   *
   * @param domain absent: all
   * @returns how many are due now that were not
   */
  retry(domain?: string): number | Promise<number>;
}
