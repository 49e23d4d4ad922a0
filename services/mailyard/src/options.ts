import { parseArgs, type ParseArgsOptionsConfig } from 'node:util';

/** A command line that makes no sense. */
export class Misuse extends Error {}

export type Options<O extends ParseArgsOptionsConfig> = ReturnType<
  typeof parseArgs<{ options: O; allowPositionals: true }>
>['values'];

/**
 * Reads the words and options of a command line. An option that cannot be repeated and is, is refused: whichever of the
 * two was taken, somebody meant the other. So is one with nothing in it, which a variable was to fill that is not set: it
 * must not mean all, or the table that has no name.
 *
 * @throws Misuse
 */
export function readOptions<O extends ParseArgsOptionsConfig>(
  options: O,
  args: readonly string[],
): { readonly values: Options<O>; readonly words: readonly string[] } {
  const read = parse(options, args);
  const seen = new Set<string>();
  for (const token of read.tokens) {
    if (token.kind !== 'option') continue;
    if (token.value === '') throw new Misuse(`--${token.name} has nothing in it`);
    if (options[token.name]?.multiple === true) continue;
    if (seen.has(token.name)) throw new Misuse(`--${token.name} is given twice`);
    seen.add(token.name);
  }
  return { values: read.values, words: read.positionals };
}

function parse<O extends ParseArgsOptionsConfig>(options: O, args: readonly string[]) {
  try {
    return parseArgs({ args: [...args], options, allowPositionals: true, tokens: true });
  } catch (error) {
    throw new Misuse(error instanceof Error ? error.message : String(error));
  }
}

/**
 * Refuses options that a verb would not look at.
 *
 * @param values of the options of the whole command
 * @param taken those of the verb
 * @throws Misuse
 */
export function demandOnly(verb: string, values: object, taken: readonly string[]): void {
  for (const [name, value] of Object.entries(values))
    if (value !== undefined && !taken.includes(name)) throw new Misuse(`${verb} takes no --${name}`);
}
