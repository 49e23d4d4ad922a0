/** What stands behind a path, by method. */
interface Entry<T> {
  readonly segments: readonly string[];
  readonly byMethod: Map<string, T>;
}

export type PathMatch<T> =
  | { readonly kind: 'found'; readonly value: T; readonly parameters: ReadonlyMap<string, string> }
  | { readonly kind: 'otherMethod'; readonly allowed: readonly string[] }
  | { readonly kind: 'none' };

/**
 * Finds what stands behind a method and a path such as `/api/v1/routes/{receivingDomain}`.
 *
 * Paths are compared segment by segment, each decoded once; a fixed segment goes before a parameter. A parameter may
 * hold anything, a slash too if it came encoded; it is never empty.
 */
export class PathTable<T> {
  readonly #entries: Entry<T>[] = [];

  /** @param template its parameters in braces, a whole segment each */
  add(method: string, template: string, value: T): void {
    const segments = template.split('/');
    let entry = this.#entries.find((one) => one.segments.join('/') === template);
    if (entry === undefined) {
      entry = { segments, byMethod: new Map() };
      this.#entries.push(entry);
      this.#entries.sort((a, b) => parameterCount(a) - parameterCount(b));
    }
    entry.byMethod.set(method, value);
  }

  /** @param path as it came, without its query */
  find(method: string, path: string): PathMatch<T> {
    const segments = decodeSegments(path);
    if (segments === undefined) return { kind: 'none' };
    for (const entry of this.#entries) {
      const parameters = match(entry.segments, segments);
      if (parameters === undefined) continue;
      const value = entry.byMethod.get(method);
      if (value === undefined) return { kind: 'otherMethod', allowed: [...entry.byMethod.keys()] };
      return { kind: 'found', value, parameters };
    }
    return { kind: 'none' };
  }
}

function parameterCount({ segments }: Entry<unknown>): number {
  return segments.filter((segment) => segment.startsWith('{')).length;
}

/** @returns undefined when something in it is not encoded as it should be */
function decodeSegments(path: string): string[] | undefined {
  try {
    return path.split('/').map(decodeURIComponent);
  } catch {
    return undefined;
  }
}

function match(template: readonly string[], segments: readonly string[]): Map<string, string> | undefined {
  if (template.length !== segments.length) return undefined;
  const parameters = new Map<string, string>();
  for (const [index, expected] of template.entries()) {
    const segment = segments[index]!;
    if (expected.startsWith('{')) {
      if (segment === '') return undefined;
      parameters.set(expected.slice(1, -1), segment);
    } else if (segment !== expected) return undefined;
  }
  return parameters;
}
