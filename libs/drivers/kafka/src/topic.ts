import { MtaError } from '@mailyard/mail';
import kafkajs, { type Admin, Kafka, logLevel } from 'kafkajs';
import { CONNECTION_TIMEOUT_MS, type KafkaSettings, REQUEST_TIMEOUT_MS } from './kafka-options.ts';
import type { KafkaError } from './kafkajs-internals.ts';
import { protocolLog } from './protocol-log.ts';

/** What the topic must say of itself: nothing is deleted but by us, and the log's own clock stamps what it takes. */
const SAFE: Readonly<Record<string, string>> = {
  'cleanup.policy': 'delete',
  'retention.ms': '-1',
  'retention.bytes': '-1',
  'message.timestamp.type': 'LogAppendTime',
  'unclean.leader.election.enable': 'false',
};

const MAX_MESSAGE_BYTES = 4 * 1_048_576;
const REPLICAS = 3;

/** Not among the names that Node finds in a package that is no module. */
const { ConfigResourceTypes } = kafkajs;

/** A client of its own for each use: consumers of one client share what they believe of committed offsets. */
export function createClient(settings: KafkaSettings): Kafka {
  return new Kafka({
    brokers: [...settings.brokers],
    clientId: settings.clientId,
    ...(settings.ssl === undefined ? {} : { ssl: settings.ssl }),
    ...(settings.sasl === undefined ? {} : { sasl: settings.sasl }),
    connectionTimeout: CONNECTION_TIMEOUT_MS,
    requestTimeout: REQUEST_TIMEOUT_MS,
    logLevel: logLevel.WARN,
    logCreator: protocolLog(settings.log),
    retry: { retries: 3, initialRetryTime: 100, maxRetryTime: 1_000 },
  });
}

/** Runs some work with an administrator's connection. @throws MtaError `LOG_AWAY` when no broker answers */
export async function withAdmin<T>(settings: KafkaSettings, work: (admin: Admin) => Promise<T>): Promise<T> {
  const admin = createClient(settings).admin();
  admin.on(admin.events.REQUEST, ({ payload }) => settings.counts.count(payload.apiName));
  try {
    await admin.connect();
    return await work(admin);
  } catch (error) {
    if (error instanceof MtaError) throw error;
    throw new MtaError('LOG_AWAY', `Kafka does not answer: ${error instanceof Error ? error.message : String(error)}`, {
      cause: error,
    });
  } finally {
    await admin.disconnect().catch(() => undefined);
  }
}

/**
 * Makes the topic with safe settings, unless it is there. Of several that try at once one makes it.
 *
 * @returns whether it was made here
 */
export async function makeTopic(admin: Admin, settings: KafkaSettings): Promise<boolean> {
  const { topic } = settings;
  if ((await admin.listTopics()).includes(topic)) return false;
  const { brokers } = await admin.describeCluster();
  const replicationFactor = settings.replicationFactor ?? Math.min(REPLICAS, brokers.length);
  const configEntries = Object.entries({
    ...SAFE,
    'max.message.bytes': String(MAX_MESSAGE_BYTES),
    'min.insync.replicas': replicationFactor >= REPLICAS ? '2' : '1',
  }).map(([name, value]) => ({ name, value }));
  try {
    return await admin.createTopics({
      // Brokers learn of it one after the other: whoever connects waits for that, here and in other processes.
      waitForLeaders: false,
      topics: [{ topic, numPartitions: settings.partitions, replicationFactor, configEntries }],
    });
  } catch (error) {
    if (!alreadyThere(error)) throw error;
    return false;
  }
}

function alreadyThere(error: unknown): boolean {
  const errors: unknown = error instanceof Error && 'errors' in error ? error.errors : undefined;
  return Array.isArray(errors) && errors.some((one: KafkaError) => one.type === 'TOPIC_ALREADY_EXISTS');
}

/** What makes the topic unsafe for mail, each in a sentence; empty when nothing does. */
export async function topicComplaints(admin: Admin, topic: string): Promise<string[]> {
  if (!(await admin.listTopics()).includes(topic)) return [`the topic ${topic} does not exist yet`];
  const { resources } = await admin.describeConfigs({
    includeSynonyms: false,
    resources: [{ type: ConfigResourceTypes.TOPIC, name: topic }],
  });
  const settings = new Map(resources[0]?.configEntries.map(({ configName, configValue }) => [configName, configValue]));
  const complaints: string[] = [];
  const about = (name: string, must: string): void => {
    complaints.push(`${topic}: ${name} is ${settings.get(name)}, it must be ${must}`);
  };
  for (const [name, value] of Object.entries(SAFE)) if (settings.get(name) !== value) about(name, value);
  if (Number(settings.get('max.message.bytes')) < MAX_MESSAGE_BYTES)
    about('max.message.bytes', `at least ${MAX_MESSAGE_BYTES}`);
  const { topics } = await admin.fetchTopicMetadata({ topics: [topic] });
  const replicas = Math.min(...(topics[0]?.partitions.map((partition) => partition.replicas.length) ?? [0]));
  const inSync = Number(settings.get('min.insync.replicas'));
  if (replicas < REPLICAS)
    complaints.push(`${topic}: ${replicas} replicas, ${REPLICAS} are needed to survive the loss of a broker's disk`);
  else if (inSync < 2) about('min.insync.replicas', 'at least 2');
  if (inSync >= replicas && replicas > 1) about('min.insync.replicas', `less than the ${replicas} replicas`);
  return complaints;
}
