import { readFileSync } from 'node:fs';
import { RemoteOwner } from '@mailyard/admin';
import { type GrpcTarget, QueueClient } from '@mailyard/grpc';
import { KafkaQueueLog, type KafkaQueueLogOptions } from '@mailyard/kafka';
import {
  RedisConfigurationLog,
  RedisHostBoard,
  RedisLimitBoard,
  type RedisLocation,
  RedisPresence,
  RedisPressureBoard,
  RedisRecipientBoard,
  RedisTrackerPositions,
} from '@mailyard/redis';
import { S3BodyStore, type S3Options } from '@mailyard/s3';
import { readSecret, type Settings } from '@mailyard/settings';
import type { Logger } from '@mailyard/telemetry';
import { callerCredentials } from './caller-credentials.ts';
import { GAUGE_MS, type Stores } from './stores.ts';
import { Unwinding } from './unwinding.ts';

/** Bodies up to this size travel in Kafka; larger ones cost a request to the body store, smaller ones would cost more there. */
const INLINE_OCTETS = 32_768;

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Connects to Kafka, Redis and the S3-compatible store.
 *
 * @param incarnation of this process, for what it tells the others
 * @throws MtaError `LOG_AWAY` when no broker answers, `SETTINGS_SECRET`. Redis or the body store away is no error: mail
 * is answered temporarily until they come
 */
export async function openDistributedStores(
  settings: Settings,
  environment: Environment,
  incarnation: string,
  logger: Logger,
): Promise<Stores> {
  const opened = new Unwinding();
  try {
    const location = redisLocation(settings, environment, logger);
    const configurationLog = new RedisConfigurationLog(location);
    opened.add(() => configurationLog.close());
    const bodyStore = new S3BodyStore(s3Options(settings, environment));
    opened.add(() => bodyStore.close());
    const queueLog = await KafkaQueueLog.open(kafkaOptions(settings, environment, logger));
    opened.add(() => queueLog.close());
    const presence = new RedisPresence(location);
    opened.add(() => presence.close());
    const pressure = new RedisPressureBoard({ ...location, partitionCount: queueLog.partitionCount });
    opened.add(() => pressure.close());
    const hostBoard = new RedisHostBoard(location, incarnation);
    opened.add(() => hostBoard.close());
    const limitBoard = new RedisLimitBoard(location, incarnation);
    opened.add(() => limitBoard.close());
    const recipientBoard = new RedisRecipientBoard(location);
    opened.add(() => recipientBoard.close());
    const tracker = new RedisTrackerPositions(location, queueLog.partitionCount);
    opened.add(() => tracker.close());
    const away = watchBodyStore(bodyStore, opened);
    // The others have the settings that this one has, so they speak TLS if it does.
    const { tls, peers } = settings.grpc;
    const credentials = callerCredentials(peers, tls !== undefined, environment);

    return {
      queueLog,
      logRequests: () => queueLog.requests,
      bodyStore,
      configurationLog,
      presence,
      pressure,
      hostBoard,
      limitBoard,
      recipientBoard,
      exclusive: false,
      inlineOctets: INLINE_OCTETS,
      localShare: () => 0,
      away,
      trackerPosition: (partition) => tracker.read(partition),
      shareTracker: (position) => tracker.share(position),
      announce: async (name, card) => {
        await presence.announce(name, card);
        opened.add(() => presence.withdraw());
      },
      remoteOwners: remoteOwners(presence, incarnation, credentials),
      listeners: () => listenersOf(presence),
      failed: new Promise(() => undefined),
      close: () => opened.run(),
    };
  } catch (error) {
    await opened.run();
    throw error;
  }
}

/** The options of the Kafka driver, as the settings have them. */
export function kafkaOptions({ log }: Settings, environment: Environment, logger?: Logger): KafkaQueueLogOptions {
  const { brokers, topic, group, partitions, tls, sasl } = log.kafka!;
  const read = (file: string | undefined): string[] | undefined =>
    file === undefined ? undefined : [readFileSync(file, 'utf8')];
  return {
    brokers,
    topic,
    groupId: group,
    partitions,
    ...(typeof tls === 'boolean'
      ? { ssl: tls }
      : {
          ssl: {
            ...(tls.authority === undefined ? {} : { ca: read(tls.authority)! }),
            cert: read(tls.certificate),
            key: read(tls.key),
          },
        }),
    ...(sasl === undefined
      ? {}
      : {
          sasl: {
            mechanism: sasl.mechanism,
            username: sasl.username,
            password: readSecret(sasl.password, environment),
          } as NonNullable<KafkaQueueLogOptions['sasl']>,
        }),
    ...(logger === undefined
      ? {}
      : { log: (level, message, detail) => logger[level]('KAFKA', { message, ...detail }) }),
  };
}

/** Where Redis is; the password of the settings stands in the URL that the driver takes. */
export function redisLocation({ configuration }: Settings, environment: Environment, logger?: Logger): RedisLocation {
  const { url, password } = configuration.redis!;
  const full = new URL(url);
  if (password !== undefined) full.password = encodeURIComponent(readSecret(password, environment));
  return { url: full.href, ...(logger === undefined ? {} : { onTrouble: (error) => logger.warn('REDIS', { error }) }) };
}

export function s3Options({ bodies }: Settings, environment: Environment): S3Options {
  const { endpoint, bucket, region, prefix, accessKeyId, secretAccessKey, pathStyle } = bodies.s3!;
  return {
    endpoint,
    bucket,
    region,
    prefix,
    pathStyle,
    accessKeyId: accessKeyId ?? environment['AWS_ACCESS_KEY_ID'] ?? '',
    secretAccessKey:
      secretAccessKey === undefined
        ? (environment['AWS_SECRET_ACCESS_KEY'] ?? '')
        : readSecret(secretAccessKey, environment),
  };
}

/** Looks every two seconds whether the body store takes bodies. */
function watchBodyStore(store: S3BodyStore, opened: Unwinding): () => string | undefined {
  let reason: string | undefined;
  let asking = false;
  const ask = async (): Promise<void> => {
    if (asking) return;
    asking = true;
    try {
      await store.check();
      reason = undefined;
    } catch (error) {
      reason = `body store: ${error instanceof Error ? error.message : String(error)}`;
    } finally {
      asking = false;
    }
  };
  const timer = setInterval(() => void ask(), GAUGE_MS);
  opened.add(() => clearInterval(timer));
  void ask();
  return () => reason;
}

/** Asks Redis who is present, and what listeners they have; undefined where one does not say, or none has any. */
async function listenersOf(presence: RedisPresence): Promise<ReadonlySet<string> | undefined> {
  const names = new Set<string>();
  for (const { listeners } of ((await presence.list()) ?? new Map()).values()) {
    if (listeners === undefined) return undefined;
    for (const name of listeners) names.add(name);
  }
  return names.size === 0 ? undefined : names;
}

/** Asks Redis who is present, and keeps one client for each that is. */
function remoteOwners(
  presence: RedisPresence,
  own: string,
  credentials: Omit<GrpcTarget, 'addresses'>,
): NonNullable<Stores['remoteOwners']> {
  const clients = new Map<string, RemoteOwner>();
  return async () => {
    const cards = (await presence.list()) ?? new Map();
    const owners = [];
    for (const [name, { grpc, partitions }] of cards) {
      if (name === own || grpc === '' || partitions.length === 0) continue;
      let owner = clients.get(grpc);
      if (owner === undefined) {
        owner = new RemoteOwner(new QueueClient({ ...credentials, addresses: [grpc] }, 3_000));
        clients.set(grpc, owner);
      }
      owners.push({ name, owner });
    }
    return owners;
  };
}
