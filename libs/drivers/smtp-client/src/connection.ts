import type { Host, RecipientResult, RelayConnection, SessionTls, Transaction } from '@mailyard/delivery-rules';
import type { Timeouts } from './options.ts';
import type { Session } from './session.ts';
import { Exchange } from './exchange.ts';

/** An open session, one transaction at a time. */
export class SmtpConnection implements RelayConnection {
  readonly dcid: string;
  readonly host: Host;
  readonly #session: Session;
  readonly #timeouts: Timeouts;
  #transactions = 0;
  /** The last transaction did not come to its end at the host: RSET goes before the next. */
  #needsReset = false;
  #exchange: Exchange | undefined;
  #closing: Promise<void> | undefined;

  constructor(dcid: string, host: Host, session: Session, timeouts: Timeouts) {
    this.dcid = dcid;
    this.host = host;
    this.#session = session;
    this.#timeouts = timeouts;
  }

  get tls(): SessionTls | undefined {
    return this.#session.tls;
  }

  get usable(): boolean {
    const { wire, offered } = this.#session;
    return (
      wire.ended === undefined &&
      this.#closing === undefined &&
      (this.#exchange !== undefined || !wire.hasUnread) &&
      this.#transactions < (offered.transactionLimit ?? Number.POSITIVE_INFINITY)
    );
  }

  async send(transaction: Transaction): Promise<readonly RecipientResult[]> {
    if (this.#exchange !== undefined || !this.usable) {
      const reason = this.#exchange === undefined ? this.#whyNot() : 'another transaction is under way';
      return transaction.recipients.map(({ recipient }) => ({ recipient, kind: 'failed', stage: 'mail', reason }));
    }
    this.#transactions++;
    const exchange = new Exchange(this.#session, this.#timeouts, transaction, this.#needsReset);
    this.#exchange = exchange;
    const results = await exchange.run();
    this.#exchange = undefined;
    this.#needsReset = exchange.leavesTransaction;
    return results;
  }

  /** Says QUIT when idle; a transaction that is under way is cut off, without a dot that was not sent yet. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    const { wire } = this.#session;
    if (this.#exchange !== undefined) {
      wire.end('closed by us');
      return;
    }
    if (wire.ended !== undefined) return;
    wire.write('QUIT\r\n');
    await wire.reply(this.#timeouts.quit);
    wire.close();
  }

  #whyNot(): string {
    const { wire } = this.#session;
    if (wire.ended !== undefined) return wire.ended;
    return wire.hasUnread ? 'the host spoke unasked' : 'the session takes no further transaction';
  }
}
