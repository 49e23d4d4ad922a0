import { readFileSync } from 'node:fs';
import { LineCounter, parseDocument } from 'yaml';
import type { z } from 'zod';
import { type Settings, schema } from './schema.ts';

/** One thing wrong with the settings, and where it stands. */
export interface SettingsFault {
  /** `mailyard.yaml:12`, `MAILYARD_HTTP_ADDRESS`, or `--smtp`. */
  readonly place: string;
  readonly problem: string;
}

export type LoadedSettings =
  | {
      readonly kind: 'loaded';
      readonly settings: Settings /** Variables that begin like ours but name no key. */;
      readonly unknownVariables: readonly string[];
    }
  | { readonly kind: 'faulty'; readonly faults: readonly SettingsFault[] };

/** A value given on the command line, by its place in the settings. */
export interface Override {
  readonly option: string;
  readonly path: readonly (string | number)[];
  readonly value: unknown;
}

const PREFIX = 'MAILYARD_';
/** What commands that ask a server go by: no settings of it. */
const OF_COMMANDS: ReadonlySet<string> = new Set(['MAILYARD_SERVER', 'MAILYARD_TOKEN']);

/**
 * Reads the settings: defaults, then the file, then the environment, then the command line.
 *
 * Every key is also an environment variable: `MAILYARD_` and its path in capitals, parts joined by one underscore, in
 * words as in the file (`delivery.bounce.maxRetries` is `MAILYARD_DELIVERY_BOUNCE_MAXRETRIES`); its value is read as
 * YAML. All faults are found at once. A variable that begins with `MAILYARD_` and names no key is no fault (other
 * programs may use the prefix) but is told, since it may be a slip of the pen.
 *
 * @param file absent: no file is read
 */
export function loadSettings(
  file: string | undefined,
  environment: Readonly<Record<string, string | undefined>>,
  overrides: readonly Override[],
): LoadedSettings {
  const faults: SettingsFault[] = [];
  const source = file === undefined ? { value: {}, placeOf: () => 'settings' } : readFile(file, faults);
  if (source === undefined) return { kind: 'faulty', faults };
  const root: unknown = source.value ?? {};
  if (!isRecord(root))
    return { kind: 'faulty', faults: [{ place: file ?? 'settings', problem: 'must be a mapping of keys' }] };
  const placed = new Map<string, string>();
  const unknownVariables: string[] = [];
  for (const [name, text] of Object.entries(environment)) {
    if (!name.startsWith(PREFIX) || text === undefined || OF_COMMANDS.has(name)) continue;
    const path = findPath(schema, name.slice(PREFIX.length).toLowerCase());
    if (path === undefined) {
      unknownVariables.push(name);
      continue;
    }
    placed.set(path.join('.'), name);
    assign(root, path, parseDocument(text).toJS());
  }
  for (const { option, path, value } of overrides) {
    placed.set(path.join('.'), option);
    assign(root, path, value);
  }
  const result = schema.safeParse(root);
  if (result.success && faults.length === 0) return { kind: 'loaded', settings: result.data, unknownVariables };
  for (const issue of result.error?.issues ?? []) faults.push(...describe(issue, placed, source.placeOf));
  return { kind: 'faulty', faults };
}

interface Source {
  readonly value: unknown;
  readonly placeOf: (path: readonly PropertyKey[]) => string;
}

function readFile(file: string, faults: SettingsFault[]): Source | undefined {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    faults.push({ place: file, problem: `cannot be read: ${error instanceof Error ? error.message : String(error)}` });
    return undefined;
  }
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, uniqueKeys: true });
  for (const error of document.errors)
    faults.push({ place: `${file}:${lines.linePos(error.pos[0]).line}`, problem: error.message.split('\n')[0]! });
  if (document.errors.length > 0) return undefined;
  const placeOf = (path: readonly PropertyKey[]): string => {
    for (let length = path.length; length > 0; length--) {
      const node: unknown = document.getIn(path.slice(0, length), true);
      if (isRecord(node) && Array.isArray(node['range']))
        return `${file}:${lines.linePos(node['range'][0] as number).line}`;
    }
    return file;
  };
  return { value: document.toJS(), placeOf };
}

function describe(
  issue: z.core.$ZodIssue,
  placed: ReadonlyMap<string, string>,
  placeOf: Source['placeOf'],
): SettingsFault[] {
  const key = issue.path.join('.');
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((unknown) => ({
      place: placeOf([...issue.path, unknown]),
      problem: `unknown key ${[...issue.path, unknown].join('.')}`,
    }));
  }
  return [{ place: placedAt(issue.path, placed) ?? placeOf(issue.path), problem: `${key}: ${issue.message}` }];
}

/** The variable or option that gave a value or what it stands in: one that is a list may have its fault inside. */
function placedAt(path: readonly PropertyKey[], placed: ReadonlyMap<string, string>): string | undefined {
  for (let length = path.length; length > 0; length--) {
    const place = placed.get(path.slice(0, length).join('.'));
    if (place !== undefined) return place;
  }
  return undefined;
}

/** Finds the settings path of a variable's lower-case name, by walking the schema's own keys. */
function findPath(node: z.ZodType, name: string): string[] | undefined {
  const shape = shapeOf(node);
  if (shape === undefined) return undefined;
  for (const [key, child] of Object.entries(shape)) {
    const word = key.toLowerCase();
    if (name === word) return [key];
    if (!name.startsWith(`${word}_`)) continue;
    const rest = findPath(child, name.slice(word.length + 1));
    if (rest !== undefined) return [key, ...rest];
  }
  return undefined;
}

function shapeOf(node: z.ZodType): Record<string, z.ZodType> | undefined {
  const definition = node.def as { type: string; innerType?: z.ZodType; shape?: Record<string, z.ZodType> };
  if (definition.type === 'object') return definition.shape;
  return definition.innerType === undefined ? undefined : shapeOf(definition.innerType);
}

function assign(root: Record<string, unknown>, path: readonly (string | number)[], value: unknown): void {
  let at: Record<string | number, unknown> = root;
  for (const [index, key] of path.slice(0, -1).entries()) {
    const next = at[key];
    if (typeof next === 'object' && next !== null) at = next as Record<string | number, unknown>;
    else at = at[key] = (typeof path[index + 1] === 'number' ? [] : {}) as Record<string | number, unknown>;
  }
  at[path.at(-1)!] = value;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
