import { Metadata, type ServiceError, status } from '@grpc/grpc-js';
import { decodeStatus, encodeStatus, type FieldViolation, type StatusDetails } from './google-rpc.ts';

const DETAILS = 'grpc-status-details-bin';

/** What a handler throws to refuse a call. Its message is meant for the caller; nothing else that is thrown is shown. */
export class CallRefusal extends Error {
  readonly code: status;
  readonly details: StatusDetails;

  constructor(
    code: status,
    message: string,
    details: {
      readonly violations?: readonly FieldViolation[];
      readonly reason?: string;
      readonly metadata?: Readonly<Record<string, string>>;
    } = {},
  ) {
    super(message);
    this.name = 'CallRefusal';
    this.code = code;
    this.details = { violations: [], ...details };
  }
}

/** An error as grpc-js sends it. */
export interface WireStatus {
  readonly code: status;
  readonly details: string;
  readonly metadata: Metadata;
}

/** Trailers are headers of HTTP/2: with a longer message, said twice, the caller would only hear of a protocol error. */
const MESSAGE_LIMIT = 1_000;

/** What the caller is told of a refusal. */
export function writeRefusal({ code, message, details }: CallRefusal): WireStatus {
  const metadata = new Metadata();
  const told = message.length > MESSAGE_LIMIT ? `${message.slice(0, MESSAGE_LIMIT)}…` : message;
  const { violations, reason } = details;
  if (violations.length > 0 || reason !== undefined) metadata.set(DETAILS, encodeStatus(code, told, details));
  return { code, details: told, metadata };
}

/** Reads a refusal back from what a client of grpc-js threw; undefined when it is something else. */
export function readRefusal(error: unknown): CallRefusal | undefined {
  if (!(error instanceof Error) || !('code' in error) || !('metadata' in error)) return undefined;
  const { code, details, metadata } = error as ServiceError;
  const [octets] = metadata.get(DETAILS);
  return new CallRefusal(code, details, octets instanceof Buffer ? decodeStatus(octets) : {});
}

/** Whether a call failed because nobody answered, so that another address may be asked. */
export function isAway(error: unknown): boolean {
  if (!(error instanceof Error) || !('code' in error)) return false;
  return error.code === status.UNAVAILABLE || error.code === status.CANCELLED;
}
