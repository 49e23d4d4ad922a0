/**
 * What `mailyard.yaml` and the environment may say: addresses of infrastructure, files, limits. The gateway's policy
 * (routes, recipient access, mail policies) is not here: it is versioned in the configuration log.
 */
import { isIP } from 'node:net';
import { z } from 'zod';

/** `host:port`, `[ipv6]:port` or `:port`-less; see {@link parseEndpoint}. */
const endpoint = z.string().regex(/^(\[[0-9a-fA-F:.]+\]|[^:\s[\]]+):\d{1,5}$/, 'must be HOST:PORT');
const file = z.string().min(1);
const role = z.enum(['reader', 'operator', 'administrator']);
const positive = z.int().min(1);
const domain = z.string().regex(/^[A-Za-z0-9_.-]{1,253}$/, 'must be a host name');

/** Where a secret stands; a secret itself is never a setting. */
const secret = z.union([
  z.strictObject({ file }),
  z.strictObject({ environment: z.string().regex(/^[A-Za-z_][A-Za-z0-9_]*$/, 'must be a variable name') }),
]);

const tlsFiles = z.strictObject({ certificate: file, key: file, clientAuthority: file.optional() });

const kafka = z.strictObject({
  brokers: z.array(endpoint).min(1),
  topic: z.string().min(1).default('mailyard.queue'),
  group: z.string().min(1).default('mailyard.delivery'),
  partitions: positive.max(1024).default(64),
  tls: z
    .union([
      z.boolean(),
      z.strictObject({ authority: file.optional(), certificate: file.optional(), key: file.optional() }),
    ])
    .default(false),
  sasl: z
    .strictObject({
      mechanism: z.enum(['plain', 'scram-sha-256', 'scram-sha-512']),
      username: z.string().min(1),
      password: secret,
    })
    .optional(),
});

const redis = z.strictObject({
  url: z.string().regex(/^rediss?:\/\//, 'must begin with redis:// or rediss://'),
  password: secret.optional(),
});

const s3 = z.strictObject({
  endpoint: z.url(),
  bucket: z.string().min(1),
  region: z.string().min(1).default('us-east-1'),
  prefix: z.string().default(''),
  accessKeyId: z.string().min(1).optional(),
  secretAccessKey: secret.optional(),
  pathStyle: z.boolean().default(true),
});

const listener = z.strictObject({
  name: z
    .string()
    .regex(/^[A-Za-z0-9_-]{1,32}$/, 'must be letters, digits, hyphen, underscore')
    .default('public'),
  address: endpoint,
  /** `native` is ours; `smtp-server` is the package of that name (docs/decisions/0005). */
  engine: z.enum(['native', 'smtp-server']).default('native'),
  /** `implicit`: TLS from the first octet, as on port 465 (RFC 8314). */
  tls: z.enum(['none', 'starttls', 'implicit']).default('none'),
  /** AUTH (RFC 4954) of the users in `smtp.users`, who may then send to anyone; `required`: no mail without it (RFC 6409). */
  auth: z.enum(['none', 'offered', 'required']).default('none'),
  /** AUTH is taken in clear too: whoever reads the network learns the passwords. */
  authWithoutTls: z.boolean().default(false),
  maxMessageOctets: positive.default(104_857_600),
  maxRecipients: positive.max(1000).default(1000),
  maxConnections: positive.default(1000),
  maxConnectionsPerClient: positive.default(500),
  maxReceivedFields: positive.default(100),
});

const limits = z.strictObject({
  openBytes: positive.default(8_589_934_592),
  logBytes: positive.default(34_359_738_368),
  lagSeconds: positive.default(120),
  diskShare: z.number().gt(0).max(1).default(1),
});

const bounce = z.strictObject({
  maxRetries: z.int().min(0).default(100),
  maxAgeSeconds: positive.default(259_200),
  initialWaitSeconds: positive.default(60),
  maxWaitSeconds: positive.default(3600),
  notices: z.boolean().default(true),
  copyOctets: z.int().min(0).default(10_240),
  delayWarnings: z.int().min(0).default(0),
  delayWarningSeconds: positive.default(14_400),
});

/** What this machine has for a virtual gateway (docs/howto/virtual-gateways.md). */
const gateway = z.strictObject({
  addresses: z
    .array(z.string().refine((text) => isIP(text) > 0 && !/^(0\.0\.0\.0|::)$/.test(text), 'must be an IP address'))
    .max(1000)
    .default([]),
  helo: domain.optional(),
});

const delivery = z.strictObject({
  maxConnectionsPerDestination: positive.default(20),
  maxConnections: positive.default(10_000),
  messagesPerConnection: positive.default(50),
  tls: z.enum(['none', 'preferred', 'preferredVerify', 'required', 'requiredVerify']).default('none'),
  dane: z.enum(['none', 'opportunistic', 'mandatory']).default('none'),
  /** Policies of recipient domains (RFC 8461), fetched over HTTPS: `testing` tells what is wrong, `enforce` does as they say. */
  mtaSts: z.enum(['none', 'testing', 'enforce']).default('none'),
  /** PEM: authorities that certificates of hosts, and of policy hosts, may come from, besides those of Node and of the system. */
  authority: file.optional(),
  /** PEM: what is shown to hosts that ask for a certificate. */
  certificate: file.optional(),
  key: file.optional(),
  /** An alarm when a host does not do what a TLS setting demands. */
  tlsAlarm: z.boolean().default(true),
  /**
   * A message whose final dot was sent and whose answer was never seen counts as delivered, where it would be sent again to the
   * same host. It can lose mail, and departs from RFC 5321 §4.5.4.1; it is for hosts that drop connections so often that
   * their users complain of second copies.
   */
  possibleDelivery: z.boolean().default(false),
  batchBy: z.enum(['destination', 'domain']).default('destination'),
  drainSeconds: positive.max(300).default(25),
  engine: z.enum(['native', 'nodemailer']).default('native'),
  gateways: z.record(z.string().regex(/^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$/, 'must be a name'), gateway).default({}),
  bounce: bounce.prefault({}),
});

const telemetry = z.strictObject({
  mailLog: z.union([z.literal('none'), z.literal('stdout'), file]).optional(),
  mailLogFormat: z.enum(['text', 'json']).default('text'),
  level: z.enum(['debug', 'info', 'warn', 'error']).default('info'),
  otlp: z.strictObject({ endpoint: z.url(), sampleShare: z.number().min(0).max(1).default(1) }).optional(),
});

export const schema = z.strictObject({
  hostname: domain.optional(),
  data: file.default('./data'),
  roles: z
    .array(z.enum(['ingress', 'routing', 'delivery', 'admin']))
    .min(1)
    .default(['ingress', 'routing', 'delivery', 'admin']),
  listeners: z
    .array(listener)
    .min(1)
    .default([listener.parse({ address: '127.0.0.1:2525' })]),
  tls: tlsFiles.optional(),
  grpc: z
    .strictObject({
      address: endpoint.default('127.0.0.1:50051'),
      advertise: endpoint.optional(),
      tls: tlsFiles.optional(),
      tokens: z
        .array(
          z.strictObject({
            name: z.string().min(1),
            role,
            token: secret,
          }),
        )
        .default([]),
      /** Roles of client certificates, told by the common name of their subject. */
      certificates: z.array(z.strictObject({ name: z.string().min(1), role })).default([]),
      /** What this process shows to others of the same gateway, whose queues it asks for; TLS as they have it. */
      peers: z
        .strictObject({
          token: secret.optional(),
          authority: file.optional(),
          certificate: file.optional(),
          key: file.optional(),
          /** The name in their certificates, where that is not the name by which they are reached. */
          name: domain.optional(),
        })
        .prefault({}),
    })
    .prefault({}),
  http: z
    .strictObject({
      address: endpoint.default('127.0.0.1:8080'),
      tls: z.strictObject({ certificate: file, key: file }).optional(),
      /** A proxy in front speaks TLS with browsers and passes `Host` and `X-Forwarded-For` on. */
      proxied: z.boolean().default(false),
      /** Who may sign in; `users.json` in the data folder unless given. */
      users: file.optional(),
    })
    .prefault({}),
  /** Who may authenticate at listeners with `auth`; `smtp-users.json` in the data folder unless given. */
  smtp: z.strictObject({ users: file.optional() }).prefault({}),
  dns: z
    .strictObject({
      servers: z.array(endpoint).default([]),
      timeoutSeconds: positive.default(5),
      attempts: positive.default(2),
    })
    .prefault({}),
  log: z.strictObject({ kafka: kafka.optional() }).prefault({}),
  configuration: z.strictObject({ redis: redis.optional(), lineage: z.string().min(1).optional() }).prefault({}),
  bodies: z.strictObject({ s3: s3.optional(), inlineOctets: z.int().min(0).optional() }).prefault({}),
  routing: z
    .strictObject({
      addresses: z.array(endpoint).default([]),
      maxRoutes: positive.max(1_000_000).default(10_000),
      token: secret.optional(),
      authority: file.optional(),
    })
    .prefault({}),
  delivery: delivery.prefault({}),
  limits: limits.prefault({}),
  tracking: z.strictObject({ retentionDays: positive.default(7) }).prefault({}),
  telemetry: telemetry.prefault({}),
});

export type Settings = z.infer<typeof schema>;
export type ListenerSettings = Settings['listeners'][number];
export type Role = Settings['roles'][number];
export type SecretReference = z.infer<typeof secret>;
