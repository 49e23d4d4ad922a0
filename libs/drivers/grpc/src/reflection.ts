/**
 * Server reflection, from the descriptor set that is generated beside the contracts: what grpcurl and the like ask
 * before they can ask anything else. Both names that the service goes by are served; their messages are the same.
 *
 * Descriptors are sent as they are, so they need not be understood: only the names in them are read, once, when the
 * first question comes.
 *
 * @see https://github.com/grpc/grpc/blob/master/doc/server-reflection.md
 */
import { BinaryReader, BinaryWriter, WireType } from '@bufbuild/protobuf/wire';
import type { Server, ServerDuplexStream, ServiceDefinition } from '@grpc/grpc-js';
import { status } from '@grpc/grpc-js';

const NAMES = ['grpc.reflection.v1.ServerReflection', 'grpc.reflection.v1alpha.ServerReflection'] as const;

type Stream = ServerDuplexStream<Buffer, Buffer>;

/** Adds reflection to a server. @param descriptors reads an encoded FileDescriptorSet @param services that it names */
export function addReflection(server: Server, descriptors: () => Uint8Array, services: () => readonly string[]): void {
  let files: Files | undefined;
  const same = (octets: Buffer): Buffer => octets;
  for (const name of NAMES) {
    const definition: ServiceDefinition = {
      serverReflectionInfo: {
        path: `/${name}/ServerReflectionInfo`,
        requestStream: true,
        responseStream: true,
        requestSerialize: same,
        requestDeserialize: same,
        responseSerialize: same,
        responseDeserialize: same,
      },
    };
    const handle = (call: Stream): void => {
      call.on('error', () => undefined);
      call.on('data', (request: Buffer) => {
        files ??= new Files(descriptors());
        call.write(answer(request, files, services()));
      });
      call.on('end', () => call.end());
    };
    server.addService(definition, { serverReflectionInfo: handle });
  }
}

/** Answers one ServerReflectionRequest with one ServerReflectionResponse. */
function answer(request: Uint8Array, files: Files, services: readonly string[]): Buffer {
  const writer = new BinaryWriter();
  let host = '';
  let reply: (() => void) | undefined;
  for (const [number, value] of fieldsOf(request)) {
    const text = Buffer.from(value).toString('utf8');
    if (number === 1) host = text;
    else if (number === 3) reply = () => writeFile(writer, files.byName(text), text);
    else if (number === 4) reply = () => writeFile(writer, files.bySymbol(text), text);
    else if (number === 7) reply = () => writeServices(writer, services);
    else if (number === 5 || number === 6)
      reply = () => writeError(writer, status.UNIMPLEMENTED, 'there are no extensions');
  }
  writer.uint32(10).string(host).uint32(18).bytes(request);
  if (reply === undefined) writeError(writer, status.INVALID_ARGUMENT, 'the question is not known');
  else reply();
  return Buffer.from(writer.finish());
}

function writeFile(writer: BinaryWriter, found: readonly Uint8Array[], asked: string): void {
  if (found.length === 0) {
    writeError(writer, status.NOT_FOUND, `${JSON.stringify(asked.slice(0, 200))} is not here`);
    return;
  }
  writer.uint32(34).fork();
  for (const file of found) writer.uint32(10).bytes(file);
  writer.join();
}

function writeServices(writer: BinaryWriter, services: readonly string[]): void {
  writer.uint32(50).fork();
  for (const name of services) writer.uint32(10).fork().uint32(10).string(name).join();
  writer.join();
}

function writeError(writer: BinaryWriter, code: number, message: string): void {
  writer.uint32(58).fork().uint32(8).int32(code).uint32(18).string(message).join();
}

/** The files of a descriptor set, by name and by the symbols that they declare. */
class Files {
  readonly #byName = new Map<string, { readonly octets: Uint8Array; readonly needs: readonly string[] }>();
  readonly #bySymbol = new Map<string, string>();

  constructor(set: Uint8Array) {
    for (const [number, file] of fieldsOf(set)) if (number === 1) this.#add(file);
  }

  #add(octets: Uint8Array): void {
    let [name, scope] = ['', ''];
    const needs: string[] = [];
    for (const [number, value] of fieldsOf(octets)) {
      if (number === 1) name = textOf(value);
      else if (number === 2) scope = `${textOf(value)}.`;
      else if (number === 3) needs.push(textOf(value));
    }
    this.#byName.set(name, { octets, needs });
    for (const [number, value] of fieldsOf(octets)) {
      if (number === 4) this.#addMessage(value, scope, name);
      else if (number === 5) this.#bySymbol.set(`${scope}${nameOf(value)}`, name);
      else if (number === 6) this.#addService(value, scope, name);
    }
  }

  #addMessage(message: Uint8Array, scope: string, file: string): void {
    const symbol = `${scope}${nameOf(message)}`;
    this.#bySymbol.set(symbol, file);
    for (const [number, value] of fieldsOf(message)) {
      if (number === 3) this.#addMessage(value, `${symbol}.`, file);
      else if (number === 2 || number === 4) this.#bySymbol.set(`${symbol}.${nameOf(value)}`, file);
    }
  }

  #addService(service: Uint8Array, scope: string, file: string): void {
    const symbol = `${scope}${nameOf(service)}`;
    this.#bySymbol.set(symbol, file);
    for (const [number, value] of fieldsOf(service))
      if (number === 2) this.#bySymbol.set(`${symbol}.${nameOf(value)}`, file);
  }

  /** A file and all that it needs; empty when there is none. */
  byName(name: string): Uint8Array[] {
    const found = new Map<string, Uint8Array>();
    const take = (wanted: string): void => {
      const file = this.#byName.get(wanted);
      if (file === undefined || found.has(wanted)) return;
      found.set(wanted, file.octets);
      for (const needed of file.needs) take(needed);
    };
    take(name);
    return [...found.values()];
  }

  bySymbol(symbol: string): Uint8Array[] {
    const name = this.#bySymbol.get(symbol);
    return name === undefined ? [] : this.byName(name);
  }
}

/** The fields of a message that have a length: texts, octets, messages. Malformed octets have none. */
function fieldsOf(octets: Uint8Array): readonly [number, Uint8Array][] {
  const reader = new BinaryReader(octets);
  const fields: [number, Uint8Array][] = [];
  try {
    while (reader.pos < reader.len) {
      const [number, type] = reader.tag();
      if (type === WireType.LengthDelimited) fields.push([number, reader.bytes()]);
      else reader.skip(type);
    }
  } catch {
    return [];
  }
  return fields;
}

/** The name of a descriptor is its first field, whatever it describes. */
function nameOf(descriptor: Uint8Array): string {
  const name = fieldsOf(descriptor).find(([number]) => number === 1);
  return name === undefined ? '' : textOf(name[1]);
}

function textOf(octets: Uint8Array): string {
  return Buffer.from(octets).toString('utf8');
}
