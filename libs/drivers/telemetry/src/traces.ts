/** Traces of mail, sent in batches to a collector by OTLP over HTTP. */
import { randomFillSync } from 'node:crypto';
import { type HrTime, SpanKind, SpanStatusCode, TraceFlags } from '@opentelemetry/api';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-proto';
import { resourceFromAttributes } from '@opentelemetry/resources';
import { BatchSpanProcessor, type ReadableSpan } from '@opentelemetry/sdk-trace';
import { onMailEvent } from './mail-events.ts';
import { type MailSpan, MailSpans } from './mail-spans.ts';
import { SpanIds } from './traceparent.ts';

export interface TraceOptions {
  /** The collector, `http://host:4318`; `/v1/traces` is added when there is no path. */
  readonly endpoint: string;
  /** Which share of the messages is traced, 0 to 1. */
  readonly sampleShare: number;
  readonly version: string;
}

export interface Traces {
  /** Sends what is left, waiting for the collector for a few seconds at most. */
  stop(): Promise<void>;
}

const KINDS = { server: SpanKind.SERVER, client: SpanKind.CLIENT, internal: SpanKind.INTERNAL } as const;
const LAST_EXPORT_MS = 3_000;

/** Traces from now on. Without it nothing is made, and nothing listens. */
export function startTraces({ endpoint, sampleShare, version }: TraceOptions): Traces {
  const exporter = new OTLPTraceExporter({ url: traceUrl(endpoint) });
  const processor = new BatchSpanProcessor({ exporter, maxQueueSize: 16_384, scheduledDelayMillis: 1_000 });
  const ids = new SpanIds((pool) => randomFillSync(pool));
  const readable = readableSpans(version);
  const spans = new MailSpans(sampleShare, ids, Date.now, (span) => processor.onEnd(readable(span)));
  const stop = onMailEvent((event) => spans.event(event));
  return {
    stop: async () => {
      stop();
      const late = Promise.withResolvers<void>();
      const timer = setTimeout(late.resolve, LAST_EXPORT_MS);
      // A collector that is away must neither keep a process from ending nor fail it.
      await Promise.race([processor.shutdown().catch(() => undefined), late.promise]);
      clearTimeout(timer);
    },
  };
}

function traceUrl(endpoint: string): string {
  const url = new URL(endpoint);
  if (url.pathname === '/' || url.pathname === '') url.pathname = '/v1/traces';
  return url.href;
}

/** Spans are made whole after the event, so the SDK's tracer, which times a span while it is open, is not needed. */
function readableSpans(version: string): (span: MailSpan) => ReadableSpan {
  const resource = resourceFromAttributes({ 'service.name': 'mailyard', 'service.version': version });
  const instrumentationScope = { name: 'mailyard', version };
  return ({ name, kind, context, parentSpanId, startAt, endAt, attributes, error }) => {
    const { traceId, spanId } = context;
    const spanContext = { traceId, spanId, traceFlags: TraceFlags.SAMPLED };
    return {
      name,
      kind: KINDS[kind],
      spanContext: () => spanContext,
      ...(parentSpanId === undefined
        ? {}
        : { parentSpanContext: { traceId, spanId: parentSpanId, traceFlags: TraceFlags.SAMPLED, isRemote: true } }),
      startTime: hrTime(startAt),
      endTime: hrTime(endAt),
      duration: hrTime(endAt - startAt),
      status: error === undefined ? { code: SpanStatusCode.UNSET } : { code: SpanStatusCode.ERROR, message: error },
      attributes: { ...attributes },
      links: [],
      events: [],
      ended: true,
      resource,
      instrumentationScope,
      droppedAttributesCount: 0,
      droppedEventsCount: 0,
      droppedLinksCount: 0,
    };
  };
}

function hrTime(ms: number): HrTime {
  const seconds = Math.floor(ms / 1_000);
  return [seconds, Math.round((ms - seconds * 1_000) * 1e6)];
}
