import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';
import { parse } from 'yaml';

interface Operation {
  readonly 'x-role': string;
  readonly responses: Readonly<Record<string, { readonly $ref?: string; readonly content?: Record<string, unknown> }>>;
  readonly requestBody?: { readonly content: Readonly<Record<string, unknown>> };
}

interface Document {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components: { readonly schemas: Readonly<Record<string, Record<string, unknown>>> };
}

const FILE = join(import.meta.dirname, '../../../../docs/reference/openapi.yaml');
const document = parse(readFileSync(FILE, 'utf8')) as Document;
const ajv = new Ajv2020({ strict: false, allErrors: true });
ajv.addSchema(document, 'api');
const validators = new Map<string, ValidateFunction>();

export interface DocumentedOperation {
  readonly method: string;
  readonly path: string;
  readonly role: string;
  readonly body: string | undefined;
}

/** Every operation that the documentation knows. */
export const documented: readonly DocumentedOperation[] = Object.entries(document.paths).flatMap(([path, methods]) =>
  Object.entries(methods).map(([method, operation]) => ({
    method: method.toUpperCase(),
    path,
    role: operation['x-role'],
    body: operation.requestBody && Object.keys(operation.requestBody.content)[0],
  })),
);

/** The codes of refusals. */
export const documentedCodes = (
  document.components.schemas['Problem']!['properties'] as { readonly code: { readonly enum: readonly string[] } }
).code.enum;

/**
 * Compares an answer with what the documentation says of it.
 *
 * @returns what is wrong, in words; undefined when nothing is
 */
export function faultOf(method: string, path: string, status: number, type: string, body: unknown): string | undefined {
  const template = templateOf(method, path);
  if (template === undefined)
    return status === 404 || status === 405 ? problemFault(body) : `${path} is not documented`;
  const operation = document.paths[template]![method.toLowerCase()]!;
  const response = operation.responses[String(status)];
  if (response === undefined && status < 400) return `${method} ${template} never answers ${status}`;
  if (status >= 400) return problemFault(body);
  const content = response!.content;
  if (content === undefined) return body === '' ? undefined : `${method} ${template} ${status} has a body`;
  if (!type.startsWith(Object.keys(content)[0]!)) return `${method} ${template} is ${type}`;
  if (!type.startsWith('application/json')) return undefined;
  const pointer = ['paths', template, method.toLowerCase(), 'responses', String(status), 'content', 'application/json'];
  return check(pointer.map((part) => part.replaceAll('~', '~0').replaceAll('/', '~1')).join('/') + '/schema', body);
}

function problemFault(body: unknown): string | undefined {
  return check('components/schemas/Problem', body);
}

function check(pointer: string, body: unknown): string | undefined {
  let validate = validators.get(pointer);
  if (validate === undefined) {
    validate = ajv.compile({ $ref: `api#/${pointer.split('/').map(encodeURIComponent).join('/')}` });
    validators.set(pointer, validate);
  }
  return validate(body) ? undefined : `${pointer}: ${ajv.errorsText(validate.errors)}`;
}

function templateOf(method: string, path: string): string | undefined {
  const fits = Object.keys(document.paths).filter((template) => {
    const pattern = new RegExp(`^${template.replaceAll(/\{[^}]+\}/g, '[^/]+')}$`);
    return pattern.test(path) && document.paths[template]![method.toLowerCase()] !== undefined;
  });
  return fits.sort((a, b) => a.split('{').length - b.split('{').length)[0];
}
