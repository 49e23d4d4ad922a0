import type { ConfigurationFault } from '@mailyard/configuration';
import type { DifferenceJson } from './difference-json.ts';

/** The codes that the API refuses with; docs/reference/openapi.yaml lists the same. */
export type ApiCode =
  | 'SIGN_IN_NEEDED'
  | 'FIRST_ADMINISTRATOR_NEEDED'
  | 'SIGN_IN_FAILED'
  | 'TOO_MANY_ATTEMPTS'
  | 'TOKEN_UNKNOWN'
  | 'ROLE_TOO_LOW'
  | 'CSRF_TOKEN_WRONG'
  | 'ORIGIN_FOREIGN'
  | 'TLS_REQUIRED'
  | 'FIRST_ADMINISTRATOR_EXISTS'
  | 'USERS_READ_ONLY'
  | 'PATH_UNKNOWN'
  | 'METHOD_UNKNOWN'
  | 'PARAMETER_INVALID'
  | 'BODY_INVALID'
  | 'BODY_TOO_LARGE'
  | 'BUSY'
  | 'CURSOR_INVALID'
  | 'CURSOR_TOO_OLD'
  | 'RECIPIENT_INVALID'
  | 'DOMAIN_INVALID'
  | 'ADDRESS_INVALID'
  | 'ROUTE_NOT_FOUND'
  | 'ITEM_NOT_FOUND'
  | 'VERSION_NOT_FOUND'
  | 'MESSAGE_NOT_FOUND'
  | 'MESSAGE_NOT_WAITING'
  | 'COPY_NOT_NAMED'
  | 'BODY_MISSING'
  | 'DESTINATION_NOT_FOUND'
  | 'FAULTS'
  | 'VERSION_CONFLICT'
  | 'CONFIRMATION_REQUIRED'
  | 'NOTHING_PENDING'
  | 'PENDING_EXISTS'
  | 'CONFIGURATION_AWAY'
  | 'CONFIGURATION_UNCERTAIN'
  | 'CONFIGURATION_NOT_READY'
  | 'CONFIGURATION_FOREIGN'
  | 'CHANGE_SET_UNREADABLE'
  | 'TRACKER_AWAY'
  | 'LOG_AWAY'
  | 'BODY_STORE_AWAY'
  | 'OWNER_AWAY'
  | 'INTERNAL';

export interface RefusalDetails {
  readonly faults?: readonly ConfigurationFault[];
  readonly version?: number;
  readonly differences?: readonly DifferenceJson[];
  readonly retryAfterSeconds?: number;
  /** Of `CURSOR_TOO_OLD`: the cursor of the first event that is kept. */
  readonly earliest?: string;
}

/** What a handler throws to refuse a request. Its message is meant for the caller; nothing else that is thrown is shown. */
export class ApiRefusal extends Error {
  readonly status: number;
  readonly code: ApiCode;
  readonly details: RefusalDetails;

  constructor(status: number, code: ApiCode, message: string, details: RefusalDetails = {}) {
    super(message);
    this.name = 'ApiRefusal';
    this.status = status;
    this.code = code;
    this.details = details;
  }
}

/** Errors of the stores and services that callers are told of, and with what status; all others stay inside. */
const KNOWN: ReadonlyMap<string, number> = new Map([
  ['CONFIGURATION_AWAY', 503],
  ['CONFIGURATION_UNCERTAIN', 503],
  ['CONFIGURATION_NOT_READY', 503],
  ['CONFIGURATION_FOREIGN', 503],
  ['CHANGE_SET_UNREADABLE', 503],
  ['VERSION_NOT_FOUND', 404],
  ['TRACKER_AWAY', 503],
  ['LOG_AWAY', 503],
  ['MESSAGE_NOT_WAITING', 404],
  ['COPY_NOT_NAMED', 400],
  ['BODY_MISSING', 404],
  ['BODY_STORE_AWAY', 503],
  ['OWNER_AWAY', 503],
]);

/** Makes a refusal of an error with a code that callers may know of. */
export function readKnownError(error: unknown): ApiRefusal | undefined {
  if (error instanceof ApiRefusal) return error;
  if (!(error instanceof Error) || !('code' in error) || typeof error.code !== 'string') return undefined;
  const status = KNOWN.get(error.code);
  return status === undefined ? undefined : new ApiRefusal(status, error.code as ApiCode, error.message);
}
