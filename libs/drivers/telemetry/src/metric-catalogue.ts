/** Every metric there is. docs/reference/metrics.md lists the same, and a spec compares the two. */

export interface MetricDescription {
  /** OpenTelemetry's name; Prometheus sees dots as underscores, and `_total` after a counter. */
  readonly name: string;
  readonly help: string;
  readonly labels?: readonly string[];
}

export interface HistogramDescription extends MetricDescription {
  /** Upper bounds. */
  readonly buckets: number[];
}

/** Rise from 0 while the process lives. Recipients are counted one by one (R214). */
export const COUNTERS = {
  injectedMessages: { name: 'mailyard.injected.messages', help: 'Messages accepted with a 250.' },
  injectedRecipients: { name: 'mailyard.injected.recipients', help: 'Recipients of accepted messages.' },
  refusedConnections: { name: 'mailyard.refused.connections', help: 'Connections turned away at a listener.' },
  judgedConnections: {
    name: 'mailyard.connections.judged',
    help: 'Connections that the host access table was asked about, by what it said.',
    labels: ['action'],
  },
  rejectedSenders: { name: 'mailyard.rejected.senders', help: 'MAIL commands refused.' },
  rejectedRecipients: { name: 'mailyard.rejected.recipients', help: 'RCPT commands refused.' },
  rejectedMessages: { name: 'mailyard.rejected.messages', help: 'Messages refused at DATA or after the final dot.' },
  authentications: {
    name: 'mailyard.authentications.in',
    help: 'Attempts of clients to authenticate, by result; limited ones were refused unheard.',
    labels: ['result'],
  },
  delivered: { name: 'mailyard.delivered.recipients', help: 'Recipients that a next hop took.' },
  deferrals: {
    name: 'mailyard.deferrals',
    help: 'Times a recipient was put off, for whatever reason, by the step it failed at.',
    labels: ['stage'],
  },
  softBounces: { name: 'mailyard.soft_bounces', help: 'Deferrals that used up a retry.' },
  outcomeUnknown: {
    name: 'mailyard.outcome_unknown',
    help: 'Times the reply to a final dot was not seen: the recipient may get a second copy.',
  },
  possibleDeliveries: {
    name: 'mailyard.possible_deliveries',
    help: 'Of the delivered recipients, those whose final dot was never answered; only where the settings count them.',
  },
  bounced: { name: 'mailyard.bounced.recipients', help: 'Hard bounces, by cause.', labels: ['cause'] },
  expired: { name: 'mailyard.expired.recipients', help: 'Recipients given up for age or number of retries.' },
  dropped: {
    name: 'mailyard.dropped.recipients',
    help: 'Recipients dropped by a policy or an alias at acceptance, by a route to /dev/null, or by global unsubscribe.',
    labels: ['by'],
  },
  removed: { name: 'mailyard.removed.recipients', help: 'Recipients taken off the queue by an operator.' },
  generatedBounces: { name: 'mailyard.generated.bounces', help: 'Delivery reports made for bounces and expiries.' },
  transactions: { name: 'mailyard.transactions', help: 'SMTP transactions begun with next hops.' },
  connectionsIn: { name: 'mailyard.connections.in', help: 'Connections taken by listeners.' },
  connectionsOut: { name: 'mailyard.connections.out', help: 'Connections opened to next hops.' },
  connectionsTls: {
    name: 'mailyard.connections.out.tls',
    help: 'Connections to next hops under TLS, by what was made of the certificate.',
    labels: ['certificate'],
  },
  mtaSts: {
    name: 'mailyard.mta_sts.results',
    help: 'Sessions under policies of MTA-STS and fetches of policies that failed, by result (RFC 8460).',
    labels: ['result'],
  },
  connectionFailures: {
    name: 'mailyard.connections.out.failed',
    help: 'Connections to next hops that could not be opened, by the step that failed.',
    labels: ['stage'],
  },
  claims: { name: 'mailyard.partitions.claimed', help: 'Times this process became the owner of a partition.' },
  alarms: { name: 'mailyard.alarms', help: 'Alarms raised, by name; each is in the mail log.', labels: ['name'] },
} as const satisfies Record<string, MetricDescription>;

/** Read when somebody asks. */
export const GAUGES = {
  openConnectionsIn: { name: 'mailyard.open_connections.in', help: 'Connections of listeners, now.' },
  openConnectionsOut: { name: 'mailyard.open_connections.out', help: 'Connections to next hops, now.' },
  ownedPartitions: { name: 'mailyard.partitions.owned', help: 'Partitions that this process owns, now.' },
  waitingRecipients: { name: 'mailyard.waiting.recipients', help: 'Recipients that wait in the owned partitions.' },
  unknownRecipients: {
    name: 'mailyard.waiting.outcome_unknown',
    help: 'Of the waiting recipients, those that a host may have taken.',
  },
  destinations: { name: 'mailyard.destinations', help: 'Destinations with waiting recipients or open connections.' },
  unreadableSecrets: {
    name: 'mailyard.unreadable_secrets',
    help: '1 while the secret of an outgoing authentication profile cannot be read: its mail waits.',
    labels: ['profile'],
  },
  suspensions: {
    name: 'mailyard.suspensions',
    help: 'Suspensions of delivery or receiving that are in force.',
  },
  pressure: {
    name: 'mailyard.pressure',
    help: 'Share of its limit that the fullest gauge of a partition has reached; mail is delayed at 0.7, refused at 0.85.',
    labels: ['partition'],
  },
  trackerLag: { name: 'mailyard.tracker.lag.records', help: 'Records of the queue log that the tracker has not read.' },
  eventLoopDelay: {
    name: 'mailyard.event_loop.delay.seconds',
    help: 'How late the event loop came to its timers since the last scrape, 99th percentile.',
  },
  residentMemory: { name: 'process.resident_memory.bytes', help: 'Resident memory of the process.' },
  heapUsed: { name: 'mailyard.heap_used.bytes', help: "Memory that JavaScript objects take, by V8's count." },
  startTime: { name: 'process.start_time.seconds', help: 'When the process began, in seconds of the epoch.' },
} as const satisfies Record<string, MetricDescription>;

/** Read when somebody asks, but rise like counters. */
export const READ_COUNTERS = {
  cpu: { name: 'process.cpu.seconds', help: 'User and system CPU time of the process.' },
  logRequests: {
    name: 'mailyard.log.requests',
    help: 'Requests that Kafka answered, by kind; none where the queue log is embedded.',
    labels: ['request'],
  },
} as const satisfies Record<string, MetricDescription>;

const LATENCY_SECONDS = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 60];

export const HISTOGRAMS = {
  dotToReply: {
    name: 'mailyard.dot_to_reply.seconds',
    help: 'From the final dot of an injected message to its 250.',
    buckets: LATENCY_SECONDS,
  },
  acceptanceToDelivery: {
    name: 'mailyard.acceptance_to_delivery.seconds',
    help: 'From the acceptance of a message to the delivery of a recipient.',
    buckets: [
      0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 900, 3_600, 14_400, 86_400, 259_200,
    ],
  },
  splinters: {
    name: 'mailyard.splinters_per_message',
    help: 'Copies made of a message, one for each policy group (R98).',
    buckets: [1, 2, 3, 5, 10, 20, 50, 100],
  },
  logAppend: {
    name: 'mailyard.log_append.seconds',
    help: 'From handing a batch to the queue log to its acknowledgement.',
    buckets: LATENCY_SECONDS,
  },
} as const satisfies Record<string, HistogramDescription>;

/** What is read when somebody asks. */
export type ReadingName = keyof typeof GAUGES | keyof typeof READ_COUNTERS;
export type HistogramName = keyof typeof HISTOGRAMS;

/** The name that Prometheus sees. */
export function prometheusName({ name }: MetricDescription, kind: 'counter' | 'gauge' | 'histogram'): string {
  const plain = name.replaceAll('.', '_');
  return kind === 'counter' ? `${plain}_total` : plain;
}
