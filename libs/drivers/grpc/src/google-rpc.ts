/**
 * The error details of google.rpc that travel in the trailer `grpc-status-details-bin`: Status, BadRequest, ErrorInfo.
 *
 * @see https://google.aip.dev/193
 */
import { BinaryReader, BinaryWriter, WireType } from '@bufbuild/protobuf/wire';

/** A violation of google.rpc.BadRequest. */
export interface FieldViolation {
  readonly field: string;
  readonly description: string;
  /** A stable code. */
  readonly reason: string;
}

export interface StatusDetails {
  readonly violations: readonly FieldViolation[];
  /** google.rpc.ErrorInfo: a stable code and what belongs to it. */
  readonly reason?: string;
  readonly metadata?: Readonly<Record<string, string>>;
}

const BAD_REQUEST = 'type.googleapis.com/google.rpc.BadRequest';
const ERROR_INFO = 'type.googleapis.com/google.rpc.ErrorInfo';
const DOMAIN = 'mailyard';

/** Trailers are headers of HTTP/2, and many peers refuse more than 8 KiB of them: the details stay well below. */
const VIOLATION_OCTETS = 4096;

export function encodeStatus(code: number, message: string, details: StatusDetails): Buffer {
  const writer = new BinaryWriter().uint32(8).int32(code).uint32(18).string(message);
  if (details.reason !== undefined)
    writeAny(writer, ERROR_INFO, encodeErrorInfo(details.reason, details.metadata ?? {}));
  if (details.violations.length > 0) writeAny(writer, BAD_REQUEST, encodeBadRequest(details.violations));
  return Buffer.from(writer.finish());
}

function writeAny(writer: BinaryWriter, typeUrl: string, value: Uint8Array): void {
  writer.uint32(26).fork().uint32(10).string(typeUrl).uint32(18).bytes(value).join();
}

function encodeBadRequest(violations: readonly FieldViolation[]): Uint8Array {
  const writer = new BinaryWriter();
  let octets = 0;
  for (const [index, { field, description, reason }] of violations.entries()) {
    const one = new BinaryWriter()
      .uint32(10)
      .string(field)
      .uint32(18)
      .string(description)
      .uint32(26)
      .string(reason)
      .finish();
    octets += one.length;
    if (octets > VIOLATION_OCTETS && index > 0) {
      const rest = `and ${violations.length - index} more; Validate and Import list all of them`;
      return writer.uint32(10).fork().uint32(18).string(rest).uint32(26).string('MORE').join().finish();
    }
    writer.uint32(10).bytes(one);
  }
  return writer.finish();
}

function encodeErrorInfo(reason: string, metadata: Readonly<Record<string, string>>): Uint8Array {
  const writer = new BinaryWriter().uint32(10).string(reason).uint32(18).string(DOMAIN);
  for (const [key, value] of Object.entries(metadata))
    writer.uint32(26).fork().uint32(10).string(key).uint32(18).string(value).join();
  return writer.finish();
}

/** Decodes the trailer; what it does not know it passes over, and what is damaged has no details. */
export function decodeStatus(octets: Uint8Array): StatusDetails {
  const violations: FieldViolation[] = [];
  let info: { reason?: string; metadata?: Record<string, string> } = {};
  try {
    for (const [number, value] of fieldsOf(octets)) {
      if (number !== 3 || typeof value === 'number') continue;
      const any = new Map(fieldsOf(value));
      const [typeUrl, content] = [textOf(any.get(1)), any.get(2)];
      if (content === undefined || typeof content === 'number') continue;
      if (typeUrl === BAD_REQUEST) violations.push(...decodeBadRequest(content));
      if (typeUrl === ERROR_INFO) info = decodeErrorInfo(content);
    }
  } catch {
    return { violations: [] };
  }
  return { violations, ...info };
}

function decodeBadRequest(octets: Uint8Array): FieldViolation[] {
  const violations: FieldViolation[] = [];
  for (const [number, value] of fieldsOf(octets)) {
    if (number !== 1 || typeof value === 'number') continue;
    const fields = new Map(fieldsOf(value));
    violations.push({
      field: textOf(fields.get(1)),
      description: textOf(fields.get(2)),
      reason: textOf(fields.get(3)),
    });
  }
  return violations;
}

function decodeErrorInfo(octets: Uint8Array): { reason: string; metadata: Record<string, string> } {
  const metadata = new Map<string, string>();
  let reason = '';
  for (const [number, value] of fieldsOf(octets)) {
    if (typeof value === 'number') continue;
    if (number === 1) reason = textOf(value);
    if (number !== 3) continue;
    const entry = new Map(fieldsOf(value));
    metadata.set(textOf(entry.get(1)), textOf(entry.get(2)));
  }
  return { reason, metadata: Object.fromEntries(metadata) };
}

type Value = Uint8Array | number;

function* fieldsOf(octets: Uint8Array): Iterable<[number, Value]> {
  const reader = new BinaryReader(octets);
  while (reader.pos < reader.len) {
    const [number, type] = reader.tag();
    if (type === WireType.LengthDelimited) yield [number, reader.bytes()];
    else if (type === WireType.Varint) yield [number, Number(reader.uint64())];
    else reader.skip(type);
  }
}

function textOf(value: Value | undefined): string {
  return value instanceof Uint8Array ? Buffer.from(value).toString('utf8') : '';
}
