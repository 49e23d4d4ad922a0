/** What was opened, to be closed in the opposite order, whether all went well or not. */
export class Unwinding {
  readonly #endings: (() => Promise<unknown> | void)[] = [];

  add(ending: () => Promise<unknown> | void): void {
    this.#endings.push(ending);
  }

  /** Closes everything once; an ending that fails does not keep the others from theirs. The first failure is thrown. */
  async run(): Promise<void> {
    const failures: unknown[] = [];
    for (const end of this.#endings.splice(0).reverse()) {
      try {
        await end();
      } catch (error) {
        failures.push(error);
      }
    }
    if (failures.length > 0) throw failures[0];
  }
}
