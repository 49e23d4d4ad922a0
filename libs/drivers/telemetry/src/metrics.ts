/** The metrics of this process: counters of mail events, gauges that services offer, the page that Prometheus reads. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import type { Histogram, Meter } from '@opentelemetry/api';
import { PrometheusExporter } from '@opentelemetry/exporter-prometheus';
import { resourceFromAttributes } from '@opentelemetry/resources';
import { MeterProvider } from '@opentelemetry/sdk-metrics';
import { MailCounters } from './mail-counters.ts';
import { onMailEvent } from './mail-events.ts';
import { COUNTERS, CPU, GAUGES, type GaugeName, HISTOGRAMS, type HistogramName } from './metric-catalogue.ts';

/** How often the delay of the event loop is looked at. */
const DELAY_RESOLUTION_MS = 20;

/** A gauge's value now; with a label, one for each of its values. */
export type GaugeReading = number | Iterable<readonly [label: string, value: number]>;

export interface Metrics {
  /** Offers a gauge; the last offer of a name holds. Undefined shows nothing. */
  observe(name: GaugeName, read: () => GaugeReading | undefined): void;
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
  const gauges = new Map<GaugeName, () => GaugeReading | undefined>();
  gauges.set('openConnectionsIn', () => counters.openConnectionsIn);
  gauges.set('openConnectionsOut', () => counters.openConnectionsOut);
  gauges.set('ownedPartitions', () => counters.ownedPartitions.size);
  const delay = observeProcess(meter, gauges);
  observeGauges(meter, gauges);
  const stop = onMailEvent((event) => counters.event(event));
  return {
    observe: (name, read) => void gauges.set(name, read),
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

function observeGauges(meter: Meter, gauges: ReadonlyMap<GaugeName, () => GaugeReading | undefined>): void {
  for (const [key, description] of Object.entries(GAUGES)) {
    const gauge = meter.createObservableGauge(description.name, { description: description.help });
    const label = 'labels' in description ? description.labels[0] : '';
    gauge.addCallback((result) => {
      const reading = gauges.get(key as GaugeName)?.();
      if (typeof reading === 'number') result.observe(reading);
      else for (const [value, share] of reading ?? []) result.observe(share, { [label]: value });
    });
  }
}

function observeProcess(
  meter: Meter,
  gauges: Map<GaugeName, () => GaugeReading | undefined>,
): ReturnType<typeof monitorEventLoopDelay> {
  const delay = monitorEventLoopDelay({ resolution: DELAY_RESOLUTION_MS });
  delay.enable();
  gauges.set('eventLoopDelay', () => {
    // What is measured is from one look to the next: only what is over the time between them is delay.
    const p99 = Math.max(0, delay.percentile(99) / 1e6 - DELAY_RESOLUTION_MS) / 1_000;
    delay.reset();
    return p99;
  });
  gauges.set('residentMemory', () => process.memoryUsage.rss());
  gauges.set('heapUsed', () => process.memoryUsage().heapUsed);
  const startedAt = Date.now() / 1_000 - process.uptime();
  gauges.set('startTime', () => startedAt);
  const cpu = meter.createObservableCounter(CPU.name, { description: CPU.help });
  cpu.addCallback((result) => {
    const { user, system } = process.cpuUsage();
    result.observe((user + system) / 1e6);
  });
  return delay;
}
