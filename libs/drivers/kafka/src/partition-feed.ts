import type { LoggedRecord, PartitionHandler } from '@mailyard/queue';

/**
 * What one reader is told of one partition, in order and one call at a time: a call that comes while an earlier one
 * runs waits for it.
 */
export class PartitionFeed {
  readonly partition: number;
  /** The offset that must come next; undefined until the start of the log is known. */
  expected: number | undefined;
  held = false;
  /** Counts the beginnings, so that one that was overtaken is known. */
  beginning = 0;
  readonly #handler: PartitionHandler;
  readonly #failed: (error: unknown) => void;
  #busy: Promise<void> | undefined;
  #calls = 0;

  /** @param failed told when the handler throws */
  constructor(partition: number, handler: PartitionHandler, failed: (error: unknown) => void) {
    this.partition = partition;
    this.#handler = handler;
    this.#failed = failed;
  }

  /** The call that runs, if one does. Never rejects. */
  get busy(): Promise<void> | undefined {
    return this.#busy;
  }

  /** Calls that run or wait. */
  get calls(): number {
    return this.#calls;
  }

  assigned(): void {
    this.held = true;
    this.#tell(() => this.#handler.assigned(this.partition));
  }

  reset(reason: string): void {
    this.#tell(() => this.#handler.reset(this.partition, reason));
  }

  records(records: readonly LoggedRecord[]): void {
    this.#tell(() => this.#handler.records(this.partition, records));
  }

  revoked(): void {
    this.held = false;
    this.expected = undefined;
    this.#tell(() => this.#handler.revoked(this.partition));
  }

  #tell(call: () => void | Promise<void>): void {
    const running = this.#busy === undefined ? this.#call(call) : this.#busy.then(() => this.#call(call));
    if (running === undefined) return;
    this.#calls += 1;
    const done: Promise<void> = running.then(() => {
      this.#calls -= 1;
      if (this.#busy === done) this.#busy = undefined;
    });
    this.#busy = done;
  }

  #call(call: () => void | Promise<void>): Promise<void> | undefined {
    try {
      return call()?.catch(this.#failed) ?? undefined;
    } catch (error) {
      this.#failed(error);
      return undefined;
    }
  }
}
