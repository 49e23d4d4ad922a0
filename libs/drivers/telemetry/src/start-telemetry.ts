import { join } from 'node:path';
import { LogFile, ROTATION } from './log-file.ts';
import type { LogSink } from './log-sink.ts';
import { LogStream } from './log-stream.ts';
import type { Logger } from './logger.ts';
import type { Metrics } from './metrics.ts';
import { type RunningMailLog, startMailLog } from './start-mail-log.ts';
import type { Traces } from './traces.ts';

/** The `telemetry` part of the settings, and what else telemetry must know. */
export interface TelemetryOptions {
  /** Where the data of this process lies: the mail log is `log/mail.log` in it, unless `mailLog` says otherwise. */
  readonly data: string;
  readonly version: string;
  /** `none`, `stdout`, or a file. */
  readonly mailLog?: string | undefined;
  readonly mailLogFormat: 'text' | 'json';
  readonly otlp?: { readonly endpoint: string; readonly sampleShare: number } | undefined;
  readonly logger: Logger;
}

export interface Telemetry {
  readonly metrics: Metrics;
  /** Writes out what is held back, then stops. */
  stop(): Promise<void>;
}

/** Starts the mail log, the metrics and, where a collector is set, the traces. SIGHUP opens the mail log anew. */
export async function startTelemetry(options: TelemetryOptions): Promise<Telemetry> {
  const mailLog = startLog(options);
  const reopen = (): void => mailLog?.reopen();
  process.on('SIGHUP', reopen);
  const { startMetrics } = await import('./metrics.ts');
  const metrics = startMetrics(options.version);
  const traces = await startTraces(options);
  return {
    metrics,
    stop: async () => {
      process.off('SIGHUP', reopen);
      await Promise.all([mailLog?.close(), metrics.stop(), traces?.stop()]);
    },
  };
}

function startLog({ data, mailLog, mailLogFormat, logger }: TelemetryOptions): RunningMailLog | undefined {
  if (mailLog === 'none') return undefined;
  return startMailLog(mailLogFormat, sinkOf(mailLog ?? join(data, 'log', 'mail.log'), logger));
}

function sinkOf(target: string, logger: Logger): LogSink {
  if (target === 'stdout') return new LogStream(process.stdout);
  return new LogFile(target, ROTATION, (error) => logger.error('MAIL_LOG_FAILED', { file: target, error }));
}

async function startTraces({ otlp, version }: TelemetryOptions): Promise<Traces | undefined> {
  if (otlp === undefined) return undefined;
  // Loaded only where it is used: it is most of what telemetry weighs.
  const { startTraces: start } = await import('./traces.ts');
  return start({ ...otlp, version });
}
