import { mkdtempSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Address } from '@mailyard/mail';
import { type MailEvent, type MessageId, midOf } from '@mailyard/queue';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { createLogger } from './logger.ts';
import { publishMailEvent } from './mail-events.ts';
import { startTelemetry, type TelemetryOptions } from './start-telemetry.ts';
import { parseTraceparent } from './traceparent.ts';

const message = '01krq2v9ab0000000000000000' as MessageId;
const traceparent = `00-${'a1'.repeat(16)}-${'b2'.repeat(8)}-01`;
const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup();
});

function options(more: Partial<TelemetryOptions>): TelemetryOptions {
  const data = mkdtempSync(join(tmpdir(), 'telemetry-'));
  cleanups.push(() => rmSync(data, { recursive: true }));
  return { data, version: '0.0.0', mailLogFormat: 'text', logger: createLogger(), ...more };
}

function accepted(traceparent: string | undefined): MailEvent {
  return {
    kind: 'accepted',
    icid: 'i',
    message,
    reversePath: null,
    recipients: [{ forwardPath: 'a@b\x1b.example' as Address, copy: 0, dropped: false }],
    copies: [{ policy: 'DEFAULT', sizeOctets: 1 }],
    partition: 0,
    ...(traceparent === undefined ? {} : { traceparent }),
    startedAt: Date.now() - 30,
    endedAt: Date.now() - 10,
    dotToReplyMs: 5,
  };
}

function delivered(traceparent: string | undefined): MailEvent {
  const attempt = { term: 1, sequence: 1 };
  const record = { type: 'RecipientDelivered', message, recipient: 0, attempt, dcid: 'd', at: Date.now() } as const;
  return { kind: 'outcome', partition: 0, copy: 0, record, ...(traceparent === undefined ? {} : { traceparent }) };
}

interface SeenSpan {
  readonly name: string;
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId: string;
  readonly durationMs: number;
}

/** The fields of a protobuf message, as far as spans need them. */
function* fields(octets: Buffer): Iterable<readonly [number, Buffer]> {
  let at = 0;
  const varint = (): number => {
    let value = 0;
    for (let shift = 1; ; shift *= 128) {
      const octet = octets[at++]!;
      value += (octet & 127) * shift;
      if (octet < 128) return value;
    }
  };
  while (at < octets.length) {
    const tag = varint();
    if ((tag & 7) === 0) varint();
    else {
      const length = (tag & 7) === 2 ? varint() : (tag & 7) === 1 ? 8 : 4;
      yield [Math.floor(tag / 8), octets.subarray(at, (at += length))];
    }
  }
}

function spansOf(request: Buffer): SeenSpan[] {
  const inside = (octets: readonly Buffer[], field: number): Buffer[] =>
    octets.flatMap((part) => [...fields(part)].flatMap(([number, value]) => (number === field ? [value] : [])));
  return inside(inside(inside([request], 1), 2), 2).map((span) => {
    const found = new Map(fields(span));
    const time = (field: number): bigint => found.get(field)!.readBigUInt64LE();
    return {
      name: found.get(5)!.toString(),
      traceId: found.get(1)!.toString('hex'),
      spanId: found.get(2)!.toString('hex'),
      parentSpanId: found.get(4)?.toString('hex') ?? '',
      durationMs: Number(time(8) - time(7)) / 1e6,
    };
  });
}

async function collector(): Promise<{ endpoint: string; spans: SeenSpan[] }> {
  const spans: SeenSpan[] = [];
  const server = createServer((request, response) => {
    const parts: Buffer[] = [];
    request.on('data', (part: Buffer) => parts.push(part));
    request.on('end', () => {
      if (request.url === '/v1/traces') spans.push(...spansOf(Buffer.concat(parts)));
      response.writeHead(200, { 'content-type': 'application/x-protobuf' }).end();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  cleanups.push(() => {
    server.closeAllConnections();
    server.close();
  });
  return { endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, spans };
}

describe('telemetry', () => {
  it('sends one trace of receipt and delivery to a collector', async () => {
    const { endpoint, spans } = await collector();
    const telemetry = await startTelemetry(options({ mailLog: 'none', otlp: { endpoint, sampleShare: 1 } }));
    publishMailEvent(accepted(traceparent));
    publishMailEvent({ kind: 'transactionStarted', dcid: 'd', message, copy: 0, recipients: [0] });
    publishMailEvent(delivered(traceparent));
    await telemetry.stop();
    const { traceId, spanId } = parseTraceparent(traceparent)!;
    expect(spans.map(({ name }) => name)).toEqual(['receive', 'store', 'attempt']);
    expect(new Set(spans.map((span) => span.traceId))).toEqual(new Set([traceId]));
    const [receive, store, attempt] = spans;
    expect(receive).toMatchObject({ spanId, parentSpanId: '' });
    expect(receive!.durationMs).toBeCloseTo(20, -1);
    expect(store).toMatchObject({ parentSpanId: spanId, durationMs: 5 });
    expect(attempt).toMatchObject({ parentSpanId: spanId });
  });

  it('traces nothing that is not in its share', async () => {
    const { endpoint, spans } = await collector();
    const telemetry = await startTelemetry(options({ mailLog: 'none', otlp: { endpoint, sampleShare: 0 } }));
    publishMailEvent(accepted(traceparent));
    await telemetry.stop();
    expect(spans).toEqual([]);
  });

  it('stops in seconds though its collector is away', async () => {
    const telemetry = await startTelemetry(
      options({ mailLog: 'none', otlp: { endpoint: 'http://127.0.0.1:1', sampleShare: 1 } }),
    );
    publishMailEvent(accepted(traceparent));
    const began = performance.now();
    await telemetry.stop();
    expect(performance.now() - began).toBeLessThan(10_000);
  });

  it('writes the mail log under the data folder and opens it anew at SIGHUP', async () => {
    const set = options({});
    const telemetry = await startTelemetry(set);
    const path = join(set.data, 'log', 'mail.log');
    publishMailEvent(accepted(undefined));
    await vi.waitFor(() => expect(readFileSync(path, 'utf8')).toContain('matched all recipients'));
    expect(readFileSync(path, 'utf8')).toMatch(
      /^\w{3} \w{3} \d\d \d\d:\d\d:\d\d \d{4} Info: Start MID 01krq2v9ab0000000000000000-1 ICID i\n/,
    );
    expect(readFileSync(path, 'utf8')).toContain('To: <a@b\\x1b.example>');
    renameSync(path, `${path}.moved`);
    process.kill(process.pid, 'SIGHUP');
    await vi.waitFor(() => expect(readFileSync(path, 'utf8')).toBe(''));
    publishMailEvent(delivered(undefined));
    await telemetry.stop();
    expect(readFileSync(path, 'utf8')).toContain(`Message done DCID d MID ${midOf(message, 0)} to RID [0]`);
  });

  it('writes JSON a line where that is set', async () => {
    const set = options({ mailLogFormat: 'json' });
    const telemetry = await startTelemetry(set);
    publishMailEvent(delivered(undefined));
    await telemetry.stop();
    const [line] = readFileSync(join(set.data, 'log', 'mail.log'), 'utf8').split('\n');
    expect(JSON.parse(line!)).toMatchObject({ kind: 'outcome', record: { type: 'RecipientDelivered', message } });
  });
});
