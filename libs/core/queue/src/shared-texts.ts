/** The dictionary never forgets, so it is bounded; what finds no place is written in full. */
const MOST = 65_536;
const LONGEST = 128;

/** Texts that recur, each with a number. */
export class SharedTexts {
  readonly #texts: string[] = [];
  readonly #numbers = new Map<string, number>();

  /** Undefined when it finds no place. */
  numberOf(text: string): number | undefined {
    let number = this.#numbers.get(text);
    if (number === undefined) {
      if (this.#texts.length >= MOST || text.length > LONGEST) return undefined;
      number = this.#texts.push(text) - 1;
      this.#numbers.set(text, number);
    }
    return number;
  }

  at(number: number): string {
    return this.#texts[number]!;
  }
}
