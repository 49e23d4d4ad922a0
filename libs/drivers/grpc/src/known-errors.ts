import { status } from '@grpc/grpc-js';
import { CallRefusal } from './refusal.ts';

/** Errors that callers are told of, and as what; all others stay inside. */
const STATUS: ReadonlyMap<string, status> = new Map([
  ['CONFIGURATION_AWAY', status.UNAVAILABLE],
  ['CONFIGURATION_UNCERTAIN', status.UNAVAILABLE],
  ['CONFIGURATION_NOT_READY', status.UNAVAILABLE],
  ['CONFIGURATION_FOREIGN', status.FAILED_PRECONDITION],
  ['CHANGE_SET_UNREADABLE', status.DATA_LOSS],
  ['VERSION_NOT_FOUND', status.NOT_FOUND],
  ['TRACKER_AWAY', status.UNAVAILABLE],
  ['LOG_AWAY', status.UNAVAILABLE],
  ['MESSAGE_NOT_WAITING', status.NOT_FOUND],
  ['COPY_NOT_NAMED', status.INVALID_ARGUMENT],
  ['BODY_MISSING', status.DATA_LOSS],
  ['BODY_STORE_AWAY', status.UNAVAILABLE],
  ['OWNER_AWAY', status.UNAVAILABLE],
]);

/** Makes a refusal of an error with a code that callers may know of. */
export function readKnownError(error: unknown): CallRefusal | undefined {
  if (!(error instanceof Error) || !('code' in error) || typeof error.code !== 'string') return undefined;
  const code = STATUS.get(error.code);
  return code === undefined ? undefined : new CallRefusal(code, error.message, { reason: error.code });
}
