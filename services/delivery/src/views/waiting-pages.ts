import { offsetOfEntry, type QueueRecipient, type QueueRecipientPage } from '@mailyard/delivery-rules';
import type { MessageId } from '@mailyard/queue';
import { Pace } from '@mailyard/telemetry';
import type { Binding } from '../destinations/binding.ts';
import type { MailSelection } from './mail-selection.ts';
import type { MessagePlace } from './message-place.ts';
import { recipientRow } from './message-detail.ts';
import type { Partition } from '../partitions/partition.ts';
import type { Scheduler } from '../scheduling/scheduler.ts';

/** With more recipients the messages are gone through in the order of the log: a page is full soon. */
const MANY_RECIPIENTS = 20_000;

/** Where a message stands in the log. */
interface Place {
  readonly partition: number;
  readonly offset: number;
}

const START: Place = { partition: 0, offset: 0 };

/**
 * Pages of waiting recipients, in the order of the log. A page of few domains asks what waits for these domains and what
 * is under way to their destinations; only a page of much mail goes through the log, in slices.
 */
export class WaitingPages {
  readonly #scheduler: Scheduler;
  readonly #partitions: ReadonlyMap<number, Partition>;

  constructor(scheduler: Scheduler, partitions: ReadonlyMap<number, Partition>) {
    this.#scheduler = scheduler;
    this.#partitions = partitions;
  }

  /** @param after where the page before ended */
  async page(selection: MailSelection, limit: number, after: string | undefined): Promise<QueueRecipientPage> {
    const pace = new Pace();
    const recipients: QueueRecipient[] = [];
    for (const place of await this.messages(selection, after)) {
      if (recipients.length >= limit) return { recipients, next: this.tokenOf(place) };
      for (const view of viewsOf(place, selection)) recipients.push(view);
      if (pace.isOver) await pace.rest();
    }
    return { recipients, next: undefined };
  }

  /** The messages that may have recipients of a selection. @param after a token: from there on */
  async messages({ message, domains }: MailSelection, after: string | undefined): Promise<Iterable<MessagePlace>> {
    const start = readToken(after);
    if (message !== undefined) return this.#at(this.#placeOf(message, start));
    if (domains === undefined || countOf(domains) > MANY_RECIPIENTS) return this.#allFrom(start);
    return this.#at(await this.#placesOf(domains, start));
  }

  /** Names a place to go on from. */
  tokenOf([partition, { fullStateOffset }]: MessagePlace): string {
    return `${partition}.${fullStateOffset}`;
  }

  /** Where a message stands, if it waits here. */
  find(message: MessageId): MessagePlace | undefined {
    const [found] = this.#at(this.#placeOf(message, START));
    return found;
  }

  *#placeOf(message: MessageId, start: Place): Iterable<Place> {
    for (const { number: partition, owner } of this.#ownedFrom(start)) {
      const offset = owner.state.messages.offsetOf(message);
      if (offset !== undefined && (partition !== start.partition || offset >= start.offset))
        yield { partition, offset };
    }
  }

  #ownedFrom({ partition: first }: Place): Partition[] {
    return [...this.#partitions.values()]
      .filter(({ number, owner }) => number >= first && owner.mayDecide)
      .sort((a, b) => a.number - b.number);
  }

  *#allFrom(start: Place): Iterable<MessagePlace> {
    for (const { number, owner } of this.#ownedFrom(start))
      for (const message of owner.state.messages.from(number === start.partition ? start.offset : 0))
        yield [number, message];
  }

  *#at(places: Iterable<Place>): Iterable<MessagePlace> {
    for (const { partition, offset } of places) {
      const message = this.#partitions.get(partition)?.owner.state.messages.peek(offset);
      if (message !== undefined) yield [partition, message];
    }
  }

  /** Where the messages of some domains stand: those that wait, and those on their way to a destination of them. */
  async #placesOf(bindings: readonly Binding[], start: Place): Promise<readonly Place[]> {
    const pace = new Pace();
    const found = new Map(this.#ownedFrom(start).map(({ number }) => [number, new Set<number>()]));
    const note = (partition: number, offset: number): void => {
      if (partition !== start.partition || offset >= start.offset) found.get(partition)?.add(offset);
    };
    for (const binding of bindings)
      this.#scheduler.waiting.visit(binding.number, (number, low) => {
        const partition = this.#partitions.get(number);
        if (partition !== undefined) note(number, offsetOfEntry(low, partition.owner.state.nextOffset));
      });
    for (const [partition, message] of this.#underway(bindings)) {
      if (pace.isOver) await pace.rest();
      const offset = partition.owner.state.messages.offsetOf(message);
      if (offset !== undefined) note(partition.number, offset);
    }
    return [...found].flatMap(([partition, offsets]) =>
      Array.from(Float64Array.from(offsets).sort(), (offset) => ({ partition, offset })),
    );
  }

  /** What is ready at the destinations of some domains, in a transaction, or has an outcome on its way into the log. */
  *#underway(bindings: readonly Binding[]): Iterable<readonly [partition: Partition, message: MessageId]> {
    const destinations = new Set(bindings.map(({ destination }) => destination));
    for (const destination of destinations)
      for (const { partition, message } of destination?.parcels() ?? []) yield [partition, message];
    for (const partition of this.#partitions.values())
      for (const message of partition.appends.messages()) yield [partition, message];
  }
}

function countOf(bindings: readonly Binding[]): number {
  return bindings.reduce((sum, { recipients }) => sum + recipients, 0);
}

function* viewsOf([partition, message]: MessagePlace, selection: MailSelection): Iterable<QueueRecipient> {
  for (const one of message.recipients.values())
    if (selection.wants(message, one)) yield recipientRow(partition, message, one);
}

function readToken(token: string | undefined): Place {
  const [partition = '0', offset = '0'] = token?.split('.') ?? [];
  return { partition: Number(partition) || 0, offset: Number(offset) || 0 };
}
