import type { Decision, MessageId, RecipientDeferred } from '../records.ts';
import type { PartitionHome } from './roles.ts';
import { type Delivery, REPLY_TIMEOUT_MS } from './truth.ts';

/** How long the final dot waits for a proof (I4). */
const PROOF_WAIT_MS = 30_000;

/** One MAIL FROM and what follows: the next hop answers, late or not at all, each recipient on its own. */
export class Transaction {
  readonly message: MessageId;
  readonly attempt: Decision;
  readonly #partition: PartitionHome;
  #taken: number[] = [];
  isOpen = false;

  constructor(partition: PartitionHome, message: MessageId, attempt: Decision) {
    this.#partition = partition;
    this.message = message;
    this.attempt = attempt;
  }

  begin(recipients: readonly number[]): void {
    this.isOpen = true;
    const { worker, world } = this.#partition;
    const { random, faults } = world;
    const slow = !world.healthy && random.chance(faults.replySlow);
    worker.after(slow ? random.spread(1_000, 240_000) : random.between(5, 300), () => {
      const deferAll = world.simulation.now < faults.deferAllUntil;
      for (const recipient of recipients) {
        if (deferAll || (!world.healthy && random.chance(faults.refusedForNow))) this.#defer(recipient, true, false);
        else if (random.chance(world.healthy ? 0 : faults.refusedForGood)) this.#refuse(recipient);
        else this.#taken.push(recipient);
      }
      this.#flush();
      if (this.#taken.length === 0) this.#end();
      else this.#dot(world.simulation.now + PROOF_WAIT_MS);
    });
  }

  #dot(until: number): void {
    const { owner, worker, world } = this.#partition;
    const may = owner.mayEnd(this.attempt, worker.now());
    if (may === 'wait' && world.simulation.now < until) {
      worker.after(500, () => this.#dot(until));
    } else if (may === 'yes') {
      this.#send();
    } else {
      for (const recipient of this.#taken) this.#defer(recipient, false, false);
      this.#flush();
      this.#end();
    }
  }

  #send(): void {
    const { worker, world } = this.#partition;
    const { random, faults, simulation } = world;
    const slow = !world.healthy && random.chance(faults.replySlow);
    const lost = !world.healthy && random.chance(faults.replyLost);
    const latency = slow ? random.spread(1_000, 700_000) : random.between(5, 500);
    const verdict = world.healthy || random.chance(0.9) ? 'taken' : random.pick(['for now', 'for good'] as const);
    const deliveries = new Map<number, Delivery>();
    if (verdict === 'taken') {
      for (const recipient of this.#taken) {
        const delivery: Delivery = {
          at: simulation.now,
          life: worker.life,
          attempt: this.attempt,
          repliedAt: lost ? undefined : simulation.now + latency,
          submittedAt: undefined,
          landedAt: undefined,
        };
        deliveries.set(recipient, delivery);
        world.truth.delivered(this.message, recipient, delivery);
      }
    }
    const unanswered = lost || latency > REPLY_TIMEOUT_MS;
    const wait = lost ? random.spread(100, REPLY_TIMEOUT_MS) : Math.min(latency, REPLY_TIMEOUT_MS);
    worker.after(wait, () => {
      for (const recipient of this.#taken) {
        if (unanswered) this.#defer(recipient, true, true, deliveries.get(recipient));
        else if (verdict === 'for now') this.#defer(recipient, true, false);
        else if (verdict === 'for good') this.#refuse(recipient);
        else this.#deliver(recipient, deliveries.get(recipient)!);
      }
      this.#flush();
      this.#end();
    });
  }

  #flush(): void {
    this.#partition.outcomes.flush();
  }

  #end(): void {
    this.isOpen = false;
    this.#partition.ended(this);
  }

  #deliver(recipient: number, delivery: Delivery): void {
    const { message, attempt } = this;
    const at = this.#partition.worker.now().wall;
    const fact = { type: 'RecipientDelivered', message, recipient, attempt, at } as const;
    this.#partition.outcomes.add({ message, recipient, attempt, fact, delivery });
  }

  #refuse(recipient: number): void {
    const { message, attempt } = this;
    this.#partition.world.truth.refusals.add(`${message}/${recipient}`);
    this.#partition.outcomes.add({ message, recipient, attempt, fact: undefined });
  }

  #defer(recipient: number, countsAsRetry: boolean, outcomeUnknown: boolean, delivery?: Delivery): void {
    const { message, attempt } = this;
    const { worker, world } = this.#partition;
    const at = worker.now().wall;
    const fact: RecipientDeferred = {
      type: 'RecipientDeferred',
      message,
      recipient,
      attempt,
      stage: 'DATA',
      dueAt: at + world.random.between(60_000, 900_000),
      countsAsRetry,
      outcomeUnknown,
      at,
    };
    this.#partition.outcomes.add({
      message,
      recipient,
      attempt,
      fact,
      ...(delivery === undefined ? {} : { delivery }),
    });
  }
}
