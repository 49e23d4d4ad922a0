import { readFile } from 'node:fs/promises';
import type { DkimProfile, SecretReference } from '@mailyard/configuration';
import { parseSigningKey, type SigningKey } from './signing-key.ts';

/** A key is looked at again after this, in milliseconds: a new one needs no restart. */
const LOOK_MS = 1_000;

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Reads the key of a profile once.
 *
 * @throws Error that says why it cannot be used, without its text
 */
export async function readSigningKey(reference: SecretReference, environment: Environment): Promise<SigningKey> {
  return parseSigningKey(await readText(reference, environment));
}

async function readText(reference: SecretReference, environment: Environment): Promise<string> {
  if (reference.kind === 'environment') {
    const text = environment[reference.variable];
    if (text === undefined || text === '') throw new Error(`the variable ${reference.variable} is missing or empty`);
    return text;
  }
  try {
    return await readFile(reference.file, 'utf8');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new Error(`the file ${reference.file} cannot be read${code === undefined ? '' : ` (${code})`}`, {
      cause: error,
    });
  }
}

interface Known {
  key: SigningKey | undefined;
  text: string;
  problem: string | undefined;
  readAt: number;
  reading: Promise<void> | undefined;
}

/**
 * The keys of signing profiles, kept while they stay what they are. One that is replaced is found within a second or two;
 * one that can no longer be read goes on being used, and is told.
 */
export class SigningKeys {
  readonly #environment: Environment;
  readonly #tell: (profile: string, problem: string | undefined) => void;
  readonly #now: () => number;
  /** By reference. */
  readonly #known = new Map<string, Known>();
  /** What was told last, by profile. */
  readonly #told = new Map<string, string | undefined>();

  /**
   * @param tell takes what is wrong with a profile's key, once each; undefined: nothing is any more
   * @param now monotonic milliseconds
   */
  constructor(
    environment: Environment,
    tell: (profile: string, problem: string | undefined) => void,
    now: () => number = () => performance.now(),
  ) {
    this.#environment = environment;
    this.#tell = tell;
    this.#now = now;
  }

  /** The key of a profile; undefined where it cannot be had. At once where it was used before. */
  of({ name, key }: Pick<DkimProfile, 'name' | 'key'>): SigningKey | undefined | Promise<SigningKey | undefined> {
    const known = this.#knownAt(key);
    if (this.#now() - known.readAt < LOOK_MS) return this.#answer(name, known);
    known.reading ??= this.#read(key, known);
    if (known.key !== undefined) return this.#answer(name, known);
    return known.reading.then(() => this.#answer(name, known));
  }

  #knownAt(reference: SecretReference): Known {
    const place = reference.kind === 'file' ? `file ${reference.file}` : `variable ${reference.variable}`;
    let known = this.#known.get(place);
    if (known === undefined) {
      known = { key: undefined, text: '', problem: undefined, readAt: -Infinity, reading: undefined };
      this.#known.set(place, known);
    }
    return known;
  }

  #answer(name: string, { key, problem }: Known): SigningKey | undefined {
    if (this.#told.get(name) !== problem) {
      this.#told.set(name, problem);
      this.#tell(name, problem);
    }
    return key;
  }

  async #read(reference: SecretReference, known: Known): Promise<void> {
    try {
      const text = await readText(reference, this.#environment);
      if (text !== known.text || known.key === undefined) known.key = parseSigningKey(text);
      known.text = text;
      known.problem = undefined;
    } catch (error) {
      known.problem = error instanceof Error ? error.message : String(error);
    } finally {
      known.readAt = this.#now();
      known.reading = undefined;
    }
  }
}
