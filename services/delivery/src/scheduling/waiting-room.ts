import type { WaitingDomains } from '@mailyard/delivery-rules';
import type { MessageId, OpenMessage, OpenRecipient } from '@mailyard/queue';
import type { Binding } from '../destinations/binding.ts';
import type { Bindings } from '../destinations/bindings.ts';
import { steadyNow, type WorkerContext } from '../context.ts';
import type { Destination } from '../destinations/destination.ts';
import type { Partition } from '../partitions/partition.ts';
import type { WakeUp } from './wake-up.ts';

/** What could not be decided for want of a store is tried again after this. */
const LATER_MS = 60_000;

/** Where recipients wait, each in the heap of its domain: the scheduler is woken for the earliest of them. */
export class WaitingRoom {
  readonly domains: WaitingDomains;
  readonly bindings: Bindings;
  readonly wakeUp: WakeUp;
  readonly #context: WorkerContext;

  constructor(context: WorkerContext, domains: WaitingDomains, bindings: Bindings, wakeUp: WakeUp) {
    this.#context = context;
    this.domains = domains;
    this.bindings = bindings;
    this.wakeUp = wakeUp;
  }

  /**
   * Has a recipient wait.
   *
   * @param dueAt steady wall time
   * @param released it is looked at before that, now (R74, R210, I11)
   */
  wait(
    partition: Partition,
    { fullStateOffset }: Pick<OpenMessage, 'fullStateOffset'>,
    { recipient }: OpenRecipient,
    binding: Binding,
    dueAt: number,
    released: boolean,
  ): void {
    this.domains.add(binding.number, dueAt, partition.number, fullStateOffset, recipient, released);
    this.wakeUp.at(dueAt);
  }

  /** Has a recipient wait for which no report could be made: nobody takes care of it any more. */
  readonly waitLonger = (partition: Partition, id: MessageId, rid: number): void => {
    partition.underway.delete(id, rid);
    const message = partition.owner.state.messages.get(id);
    const recipient = message?.recipients.get(rid);
    if (message === undefined || recipient === undefined || !partition.mayStart) return;
    const dueAt = Math.max(steadyNow(this.#context).wall + LATER_MS, recipient.dueAt);
    const binding = this.bindings.ofPath(recipient.forwardPath, message.envelope.gateway);
    this.wait(partition, message, recipient, binding, dueAt, false);
  };

  /** Makes what waits for some domains due now, and what their destinations wait for of no account (R210). @param ofAll these are all */
  retryNow(bindings: Iterable<Binding>, ofAll: boolean): void {
    const destinations = new Set<Destination>();
    for (const binding of bindings) {
      this.domains.release(binding.number);
      if (binding.destination !== undefined) destinations.add(binding.destination);
    }
    for (const destination of destinations) destination.retryNow(ofAll);
    this.wakeUp.soon();
  }
}
