import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import type { Address } from '@mailyard/mail';
import type { MessageId, QueueRecord } from '@mailyard/queue';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { publishMailEvent } from './mail-events.ts';
import { COUNTERS, GAUGES, HISTOGRAMS, prometheusName, READ_COUNTERS } from './metric-catalogue.ts';
import { type Metrics, startMetrics } from './metrics.ts';

const message = '01krq2v9ab0000000000000000' as MessageId;
const decision = { term: 1, sequence: 1 };
let metrics: Metrics;
const server = createServer((request, response) => metrics.respond(request, response));

beforeAll(async () => {
  metrics = startMetrics('0.0.0');
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
});
afterAll(async () => {
  server.close();
  await metrics.stop();
});

/** The page, by Prometheus's text format: name with labels to value, and the types that are declared. */
async function scrape(): Promise<{ values: Map<string, number>; types: Map<string, string> }> {
  const { port } = server.address() as AddressInfo;
  const text = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
  const values = new Map<string, number>();
  const types = new Map<string, string>();
  for (const line of text.split('\n')) {
    const type = /^# TYPE ([a-zA-Z_:][a-zA-Z0-9_:]*) (counter|gauge|histogram)$/.exec(line);
    if (type !== null) types.set(type[1]!, type[2]!);
    if (line === '' || line.startsWith('# ')) continue;
    const sample = /^([a-zA-Z_:][a-zA-Z0-9_:]*(?:\{(?:[a-zA-Z_]\w*="(?:[^"\\]|\\.)*",?)*\})?) (\S+)$/.exec(line);
    if (sample === null) throw new Error(`no sample: ${line}`);
    values.set(sample[1]!, Number(sample[2]!.replace('+Inf', 'Infinity')));
  }
  return { values, types };
}

describe('metrics', () => {
  it('count mail by what became of it (R214, R98)', async () => {
    publishMailEvent({ kind: 'injectionOpened', icid: 'i', listener: 'public', address: '192.0.2.1' });
    publishMailEvent({
      kind: 'accepted',
      icid: 'i',
      message,
      reversePath: null,
      recipients: [0, 1, 2].map((copy) => ({
        forwardPath: 'a@b' as Address,
        copy,
        dropped: copy === 2,
        ...(copy === 1 ? { discardedBy: 'a@b' } : {}),
      })),
      copies: [0, 1, 2].map(() => ({ policy: 'p', sizeOctets: 1 })),
      partition: 0,
      startedAt: 0,
      endedAt: 0,
      dotToReplyMs: 3,
    });
    const outcome = { message, recipient: 0, at: 2_000 } as const;
    const of = (record: QueueRecord): void =>
      publishMailEvent({ kind: 'outcome', partition: 0, record, acceptedAt: 1_000 });
    of({ type: 'RecipientDelivered', ...outcome });
    of({ type: 'RecipientBounced', ...outcome, decision, cause: 'dns', stage: 'resolve', report: message });
    const deferred = { type: 'RecipientDeferred', ...outcome, dueAt: 0 } as const;
    of({ ...deferred, stage: 'rcpt', countsAsRetry: true, outcomeUnknown: false });
    of({ ...deferred, stage: '"odd"', countsAsRetry: false, outcomeUnknown: true });
    of({ type: 'RecipientExpired', ...outcome, decision });
    of({ type: 'RecipientDropped', ...outcome, decision, reason: 'route' });
    of({ type: 'RecipientDropped', ...outcome, decision, reason: 'global unsubscribe @b' });
    of({ type: 'RecipientDropped', ...outcome, reason: 'policy, counted with its acceptance' });
    of({ type: 'RecipientRemoved', ...outcome, decision, reason: 'r', author: 'a' });
    const { values } = await scrape();
    expect(
      Object.fromEntries([...values].filter(([name]) => !/bucket|process|event_loop|heap|target/.test(name))),
    ).toMatchObject({
      mailyard_injected_messages_total: 1,
      mailyard_injected_recipients_total: 3,
      mailyard_delivered_recipients_total: 1,
      'mailyard_bounced_recipients_total{cause="dns"}': 1,
      'mailyard_deferrals_total{stage="rcpt"}': 1,
      'mailyard_deferrals_total{stage="other"}': 1,
      mailyard_soft_bounces_total: 1,
      mailyard_outcome_unknown_total: 1,
      mailyard_expired_recipients_total: 1,
      'mailyard_dropped_recipients_total{by="policy"}': 1,
      'mailyard_dropped_recipients_total{by="route"}': 1,
      'mailyard_dropped_recipients_total{by="unsubscribe"}': 1,
      'mailyard_dropped_recipients_total{by="alias"}': 1,
      mailyard_removed_recipients_total: 1,
      mailyard_generated_bounces_total: 1,
      mailyard_open_connections_in: 1,
      mailyard_splinters_per_message_sum: 3,
      mailyard_acceptance_to_delivery_seconds_sum: 1,
    });
    expect(values.get('mailyard_dot_to_reply_seconds_bucket{le="0.0025"}')).toBe(0);
    expect(values.get('mailyard_dot_to_reply_seconds_bucket{le="0.005"}')).toBe(1);
  });

  it('show the requests to Kafka as a counter of its own kind each', async () => {
    metrics.observe('logRequests', () => new Map([['Produce', 5]]));
    const { values, types } = await scrape();
    expect(values.get('mailyard_log_requests_total{request="Produce"}')).toBe(5);
    expect(types.get('mailyard_log_requests_total')).toBe('counter');
  });

  it('show the gauges that services offer, and leave out the others', async () => {
    metrics.observe('waitingRecipients', () => 7);
    metrics.observe('pressure', () => [
      ['0', 0.5],
      ['1', 0.9],
    ]);
    metrics.observe('trackerLag', () => undefined);
    const { values } = await scrape();
    expect(values.get('mailyard_waiting_recipients')).toBe(7);
    expect(values.get('mailyard_pressure{partition="1"}')).toBe(0.9);
    expect([...values.keys()]).not.toContain('mailyard_tracker_lag_records');
  });

  it('are the ones that docs/reference/metrics.md lists, of the same types', async () => {
    const listed = new Map<string, string>();
    const page = readFileSync(join(import.meta.dirname, '../../../../docs/reference/metrics.md'), 'utf8');
    for (const [, name, type] of page.matchAll(/^\| `(\w+)` \| (\w+) \|/gm)) listed.set(name!, type!);
    const declared = new Map<string, string>();
    for (const metric of Object.values(COUNTERS)) declared.set(prometheusName(metric, 'counter'), 'counter');
    for (const metric of Object.values(READ_COUNTERS)) declared.set(prometheusName(metric, 'counter'), 'counter');
    for (const metric of Object.values(GAUGES)) declared.set(prometheusName(metric, 'gauge'), 'gauge');
    for (const metric of Object.values(HISTOGRAMS)) declared.set(prometheusName(metric, 'histogram'), 'histogram');
    expect(listed).toEqual(declared);
    const { types } = await scrape();
    types.delete('target_info');
    for (const [name, type] of types) expect(declared.get(name), name).toBe(type);
  });
});
