import { HourlyRecipients, type RecipientBoard } from '@mailyard/access';
import { type Reply, reply } from '@mailyard/mail';
import type { InjectionSession } from '@mailyard/smtp-receiver';
import { flowOf } from './session-flow.ts';

const SHARE_MS = 1_000;

/**
 * Bounds the recipients of a client in an hour (R128), over the listeners of this process and, where there is a board, over
 * all processes: what was counted is told once a second, and what the others counted is learnt with it. With the board away
 * the own count decides.
 */
export class RecipientRate {
  readonly #counted = new HourlyRecipients();
  readonly #board: RecipientBoard | undefined;
  readonly #now: () => number;
  #sharing = false;
  #timer: NodeJS.Timeout | undefined;

  constructor(board: RecipientBoard | undefined, now: () => number) {
    this.#board = board;
    this.#now = now;
  }

  /** Why one more recipient is too many; undefined where it is not. */
  refusal(session: InjectionSession): Reply | undefined {
    const limits = flowOf(session).verdict?.limits;
    const limit = limits?.maxRecipientsPerHour;
    if (limit === undefined || this.#counted.inLastHour(session.clientAddress, this.#now()) + 1 <= limit)
      return undefined;
    const { code = 452, text = 'Too many recipients received this hour' } = limits?.hourlyReply ?? {};
    return reply(code, code < 500 ? '4.7.1' : '5.7.1', text);
  }

  /** Counts one recipient that was taken. */
  count(session: InjectionSession): void {
    this.#counted.add(session.clientAddress, 1, this.#now());
    if (this.#board === undefined || this.#timer !== undefined) return;
    this.#timer = setTimeout(() => this.#share(this.#board!), SHARE_MS);
    this.#timer.unref();
  }

  stop(): void {
    clearTimeout(this.#timer);
  }

  #share(board: RecipientBoard): void {
    this.#timer = undefined;
    if (this.#sharing) return;
    this.#sharing = true;
    board
      .share(this.#counted.takeNews())
      .then(
        (totals) => {
          for (const { client, hour, recipients, before } of totals)
            this.#counted.learn(client, hour, recipients, before);
        },
        () => undefined, // what was told and not heard counts here all the same
      )
      .finally(() => {
        this.#sharing = false;
      });
  }
}
