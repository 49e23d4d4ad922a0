/** The metrics of this process: counters of mail events, gauges that services offer, the page that Prometheus reads. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import type { Histogram, Meter, Observable } from '@opentelemetry/api';
import { PrometheusExporter } from '@opentelemetry/exporter-prometheus';
import { resourceFromAttributes } from '@opentelemetry/resources';
import { MeterProvider } from '@opentelemetry/sdk-metrics';
import { MailCounters } from './mail-counters.ts';
import { onMailEvent } from './mail-events.ts';
import {
  COUNTERS,
  GAUGES,
  HISTOGRAMS,
  type HistogramName,
  type MetricDescription,
  READ_COUNTERS,
  type ReadingName,
} from './metric-catalogue.ts';

/** How often the delay of the event loop is looked at. */
const DELAY_RESOLUTION_MS = 20;

/** A value now; with a label, one for each of its values. */
export type Reading = number | Iterable<readonly [label: string, value: number]>;

type Readings = Map<ReadingName, () => Reading | undefined>;

export interface Metrics {
  /** Offers what is read when somebody asks; the last offer of a name holds. Undefined shows nothing. */
  observe(name: ReadingName, read: () => Reading | undefined): void;
  record(name: HistogramName, value: number): void;
  /** Answers GET /metrics. */
  respond(request: IncomingMessage, response: ServerResponse): void;
  stop(): Promise<void>;
}

/** Counts mail events from now on. */
export function startMetrics(version: string): Metrics {
  const exporter = new PrometheusExporter({ preventServerStart: true, withoutScopeInfo: true });
  const resource = resourceFromAttributes({ 'service.name': 'mailyard', 'service.version': version });
  const provider = new MeterProvider({ resource, readers: [exporter] });
  const meter = provider.getMeter('mailyard', version);
  const histograms = createHistograms(meter);
  const record = (name: HistogramName, value: number): void => histograms[name].record(value);
  const counters = new MailCounters(record);
  observeCounters(meter, counters);
  const readings: Readings = new Map();
  readings.set('openConnectionsIn', () => counters.openConnectionsIn);
  readings.set('openConnectionsOut', () => counters.openConnectionsOut);
  readings.set('ownedPartitions', () => counters.ownedPartitions.size);
  const delay = observeProcess(readings);
  offerReadings(meter, readings);
  const stop = onMailEvent((event) => counters.event(event));
  return {
    observe: (name, read) => void readings.set(name, read),
    record,
    respond: (request, response) => exporter.getMetricsRequestHandler(request, response),
    stop: () => {
      stop();
      delay.disable();
      return provider.shutdown();
    },
  };
}

function createHistograms(meter: Meter): Record<HistogramName, Histogram> {
  const create = ({ name, help, buckets }: { name: string; help: string; buckets: number[] }): Histogram =>
    meter.createHistogram(name, { description: help, advice: { explicitBucketBoundaries: buckets } });
  return {
    dotToReply: create(HISTOGRAMS.dotToReply),
    acceptanceToDelivery: create(HISTOGRAMS.acceptanceToDelivery),
    splinters: create(HISTOGRAMS.splinters),
    logAppend: create(HISTOGRAMS.logAppend),
  };
}

function observeCounters(meter: Meter, { plain, labelled }: MailCounters): void {
  for (const [key, description] of Object.entries(COUNTERS)) {
    const counter = meter.createObservableCounter(description.name, { description: description.help });
    const counts = (labelled as Record<string, ReadonlyMap<string, number>>)[key];
    if (counts === undefined) {
      counter.addCallback((result) => result.observe((plain as Record<string, number>)[key]!));
      continue;
    }
    const label = (description as { labels: readonly [string] }).labels[0];
    counter.addCallback((result) => {
      for (const [value, count] of counts) result.observe(count, { [label]: value });
    });
  }
}

function offerReadings(meter: Meter, readings: Readings): void {
  const offer = (key: ReadingName, instrument: Observable, { labels }: MetricDescription): void =>
    instrument.addCallback((result) => {
      const reading = readings.get(key)?.();
      if (typeof reading === 'number') result.observe(reading);
      else for (const [value, each] of reading ?? []) result.observe(each, { [labels![0]!]: value });
    });
  for (const [key, of] of Object.entries<MetricDescription>(GAUGES))
    offer(key as ReadingName, meter.createObservableGauge(of.name, { description: of.help }), of);
  for (const [key, of] of Object.entries<MetricDescription>(READ_COUNTERS))
    offer(key as ReadingName, meter.createObservableCounter(of.name, { description: of.help }), of);
}

function observeProcess(readings: Readings): ReturnType<typeof monitorEventLoopDelay> {
  const delay = monitorEventLoopDelay({ resolution: DELAY_RESOLUTION_MS });
  delay.enable();
  readings.set('eventLoopDelay', () => {
    // What is measured is from one look to the next: only what is over the time between them is delay.
    const p99 = Math.max(0, delay.percentile(99) / 1e6 - DELAY_RESOLUTION_MS) / 1_000;
    delay.reset();
    return p99;
  });
  readings.set('residentMemory', () => process.memoryUsage.rss());
  readings.set('heapUsed', () => process.memoryUsage().heapUsed);
  const startedAt = Date.now() / 1_000 - process.uptime();
  readings.set('startTime', () => startedAt);
  readings.set('cpu', () => {
    const { user, system } = process.cpuUsage();
    return (user + system) / 1e6;
  });
  return delay;
}
