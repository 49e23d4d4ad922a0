import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { BinaryReader, WireType } from '@bufbuild/protobuf/wire';
import type { Scenario } from './scenario.ts';

export interface CollectedSpan {
  /** Hexadecimal. */
  readonly traceId: string;
  readonly name: string;
  /** Tells the connections of one exporter from another's. */
  readonly process: string;
}

/** An OTLP collector over HTTP that keeps what identifies each span. */
export interface Collector {
  readonly endpoint: string;
  readonly spans: readonly CollectedSpan[];
}

export async function startCollector(scenario: Scenario): Promise<Collector> {
  const spans: CollectedSpan[] = [];
  const server = createServer((request, response) => {
    const pieces: Buffer[] = [];
    request.on('data', (piece: Buffer) => pieces.push(piece));
    request.on('end', () => {
      spans.push(...readSpans(Buffer.concat(pieces), String(request.socket.remotePort)));
      response.writeHead(200, { 'Content-Type': 'application/x-protobuf' }).end();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  scenario.onEnd(() => {
    server.closeAllConnections();
    server.close();
  });
  return { endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1/traces`, spans };
}

/** ExportTraceServiceRequest: resource_spans = 1, in it scope_spans = 2, in it spans = 2 (trace_id = 1, name = 5). */
function readSpans(octets: Uint8Array, process: string): CollectedSpan[] {
  return fields(octets, 1)
    .flatMap((resource) => fields(resource, 2))
    .flatMap((scope) => fields(scope, 2))
    .map((span) => ({
      traceId: Buffer.from(fields(span, 1)[0]!).toString('hex'),
      name: Buffer.from(fields(span, 5)[0]!).toString(),
      process,
    }));
}

/** All length-delimited fields of that number in a message. */
function fields(message: Uint8Array, number: number): Uint8Array[] {
  const reader = new BinaryReader(message);
  const found: Uint8Array[] = [];
  while (reader.pos < reader.len) {
    const [field, type] = reader.tag();
    if (field === number && type === WireType.LengthDelimited) found.push(reader.bytes());
    else reader.skip(type, field);
  }
  return found;
}
