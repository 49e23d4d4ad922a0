import type { SelfSignedCertificate } from './certificate.ts';
import type { SinkMessage, SinkOptions } from './sink-script.ts';

/** What a sink is told to do and has seen: its sessions write it. */
export interface SinkRecord {
  readonly options: SinkOptions;
  readonly certificate: SelfSignedCertificate | undefined;
  /** In the order of their final dots; empty with `keep: 'none'`. */
  readonly messages: SinkMessage[];
  /** MAIL commands that were taken. */
  transactions: number;
  /** Messages that got a 250. */
  accepted: number;
  /** Recipients of messages that got a 250. */
  recipients: number;
  /** To be called whenever a count, the messages or the open connections changed. */
  changed(): void;
}
