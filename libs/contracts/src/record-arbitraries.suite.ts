/** Random records of every kind, for property tests. */
import type { Address, EnhancedStatus } from '@mailyard/mail';
import type { Incarnation, MessageId, QueueRecord } from '@mailyard/queue';
import * as fc from 'fast-check';

const text = fc.string({ unit: 'binary', maxLength: 60 });
const some = fc.string({ unit: 'binary', minLength: 1, maxLength: 60 });
const message = fc.string({ minLength: 1, maxLength: 26 }) as fc.Arbitrary<MessageId>;
const address = some as fc.Arbitrary<Address>;
const incarnation = some as fc.Arbitrary<Incarnation>;
const whole = fc.oneof(fc.nat(300), fc.maxSafeNat());
const index = fc.nat(0xffffffff);
const octets = fc.oneof(fc.uint8Array({ maxLength: 40 }), fc.uint8Array({ minLength: 120, maxLength: 300 }));
const decision = fc.record({ term: whole, sequence: whole });

const injection = fc.record(
  {
    icid: text,
    listener: text,
    clientAddress: text,
    helo: text,
    senderGroup: fc.string({ minLength: 1 }),
    flowPolicy: fc.string({ minLength: 1 }),
    relayed: fc.constant(true),
    user: fc.string({ minLength: 1 }),
  },
  { requiredKeys: ['icid', 'listener', 'clientAddress', 'helo'] },
);
const body = fc.oneof(
  fc.record({ kind: fc.constant('inline' as const), octets }),
  fc.record({ kind: fc.constant('stored' as const), key: text, sizeOctets: whole, crc32: index }),
);

const accepted = fc.array(body, { maxLength: 3 }).chain((bodies) =>
  fc.record(
    {
      type: fc.constant('MessageAccepted' as const),
      message,
      at: whole,
      injection,
      reversePath: fc.option(address),
      eightBit: fc.boolean(),
      smtpUtf8: fc.boolean(),
      ret: fc.constantFrom('FULL' as const, 'HDRS' as const),
      envid: text,
      headerMessageId: text,
      copies:
        bodies.length === 0
          ? fc.constant([])
          : fc.array(
              fc.record({
                policy: text,
                priority: fc.integer(),
                body: fc.nat(bodies.length - 1),
                prefix: octets,
                skipOctets: whole,
                sizeOctets: whole,
                expiresAt: whole,
              }),
              { maxLength: 3 },
            ),
      bodies: fc.constant(bodies),
      recipientCount: index,
      reportOf: fc.record({ message, recipient: index }),
      warningOf: fc.record({ message, recipient: index }),
      traceparent: text,
      gateway: text,
      expansions: fc.array(
        fc.record(
          {
            received: address,
            mapped: text,
            alias: text,
            version: whole,
            recipients: fc.array(index, { maxLength: 20 }),
          },
          { requiredKeys: ['received', 'version', 'recipients'] },
        ),
        { minLength: 1, maxLength: 3 },
      ),
    },
    {
      requiredKeys: [
        'type',
        'message',
        'at',
        'injection',
        'reversePath',
        'eightBit',
        'smtpUtf8',
        'copies',
        'bodies',
        'recipientCount',
      ],
    },
  ),
);

const queued = fc.record(
  {
    type: fc.constant('RecipientQueued' as const),
    message,
    recipient: index,
    copy: index,
    forwardPath: address,
    notify: text,
    orcpt: text,
  },
  { requiredKeys: ['type', 'message', 'recipient', 'copy', 'forwardPath'] },
);

const intended = fc.record({
  type: fc.constant('AttemptIntended' as const),
  message,
  recipients: fc.array(index, { maxLength: 200 }),
  attempt: decision,
  incarnation,
  host: text,
  route: text,
  routeVersion: whole,
  at: whole,
});

const reply = fc.record(
  {
    code: index,
    enhancedStatus: fc.constantFrom<EnhancedStatus>('2.0.0', '5.1.1'),
    text: fc.string({ unit: 'binary', maxLength: 300 }),
  },
  { requiredKeys: ['code', 'text'] },
);

const common = { message, recipient: index, attempt: decision, reply, host: text, dcid: text, route: text };
const always = { routeVersion: whole, at: whole };

/** An outcome with fields of its own; those named in `optional`, and the common ones that may be absent, sometimes are. */
function outcome<T>(own: { [K in keyof T]: fc.Arbitrary<T[K]> }, optional: readonly string[] = []) {
  const shape = { ...common, ...always, ...own };
  const absent = new Set(['attempt', 'reply', 'host', 'dcid', 'route', 'routeVersion', ...optional]);
  return fc.record(shape, {
    requiredKeys: Object.keys(shape).filter((key) => !absent.has(key)) as never[],
  }) as unknown as fc.Arbitrary<QueueRecord>;
}

const restated = fc.record({
  type: fc.constant('MessageRestated' as const),
  message,
  decision,
  accepted,
  recipients: fc.array(
    fc.record(
      {
        recipient: index,
        copy: index,
        forwardPath: address,
        notify: text,
        orcpt: text,
        retries: index,
        dueAt: whole,
        outcomeUnknown: fc.boolean(),
        lastHost: text,
        lastRouteVersion: whole,
        warnings: fc.integer({ min: 1, max: 300 }),
        warnedAt: fc.integer({ min: 1, max: 2 ** 50 }),
      },
      {
        requiredKeys: ['recipient', 'copy', 'forwardPath', 'retries', 'dueAt', 'outcomeUnknown', 'lastRouteVersion'],
      },
    ),
    { maxLength: 3 },
  ),
  attempts: fc.array(
    fc.record({ attempt: decision, incarnation, recipients: fc.array(index, { maxLength: 5 }), host: text }),
    { maxLength: 3 },
  ),
});

const claimed = fc.record({
  type: fc.constant('PartitionClaimed' as const),
  worker: text,
  incarnation,
  claim: whole,
  mark: whole,
  at: whole,
});

/** Any record. */
export const anyRecord = fc.oneof(
  accepted,
  queued,
  intended,
  restated,
  claimed,
  outcome({ type: fc.constant('RecipientDelivered'), possible: fc.constant(true) }, ['possible']),
  outcome(
    {
      type: fc.constant('RecipientDeferred'),
      stage: text,
      dueAt: whole,
      countsAsRetry: fc.boolean(),
      outcomeUnknown: fc.boolean(),
      decision,
      warning: message,
    },
    ['decision', 'warning'],
  ),
  outcome(
    {
      type: fc.constant('RecipientBounced'),
      decision,
      cause: fc.constantFrom('dns', '5xx', 'filter', 'other'),
      stage: text,
      report: message,
      reason: text,
      author: text,
    },
    ['report', 'reason', 'author'],
  ),
  outcome({ type: fc.constant('RecipientExpired'), decision, report: message }, ['report']),
  outcome({ type: fc.constant('RecipientDropped'), decision, reason: text }, ['decision']),
  outcome({ type: fc.constant('RecipientRemoved'), decision, reason: text, author: text }),
) as unknown as fc.Arbitrary<QueueRecord>;
