/**
 * A real Kafka cluster (KRaft, every node broker and controller) for tests: in containers where a Docker engine is
 * found, else as processes from Kafka's own jars.
 */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Kafka, logLevel } from 'kafkajs';
import { Network, type StartedNetwork } from 'testcontainers';
import { findProgram, runCommand } from './command.ts';
import { ContainerUnit } from './container-unit.ts';
import { dockerEngine } from './docker-engine.ts';
import { freePort } from './free-port.ts';
import { kafkaJars } from './installation.ts';
import { LocalProcess } from './local-process.ts';
import { isListening, type ServiceUnit, until } from './service-unit.ts';

const CLUSTER_ID = 'bWFpbHlhcmQtdGVzdHMtMQ';
const IMAGE = 'apache/kafka:4.4.0';
const READY_WITHIN_MS = 90_000;

export interface KafkaOptions {
  readonly brokers?: 1 | 3;
  /** Further lines of server.properties. */
  readonly properties?: Readonly<Record<string, string>>;
  /** Heap of each broker; 256m. */
  readonly heap?: string;
  /** Further words for the JVM of each broker, where it is a process; later ones win. */
  readonly jvm?: readonly string[];
}

/** A running cluster. Brokers are numbered from 1. */
export interface KafkaCluster {
  readonly bootstrap: readonly string[];
  /** `kill -9`. */
  kill(broker?: number): Promise<void>;
  /** Ends a broker in order. */
  halt(broker?: number): Promise<void>;
  /** Starts it again on its old data; resolves once the cluster counts it among its brokers. */
  resume(broker?: number): Promise<void>;
  freeze(broker?: number): Promise<void>;
  thaw(broker?: number): Promise<void>;
  stop(): Promise<void>;
}

interface Node {
  readonly id: number;
  readonly port: number;
  readonly unit: ServiceUnit;
}

/** How the nodes reach each other, and where they are reached from outside. */
interface Addresses {
  readonly listeners: string;
  readonly advertised: string;
  readonly voters: string;
  readonly logFolder: string;
}

export async function startKafka(options: KafkaOptions = {}): Promise<KafkaCluster> {
  const count = options.brokers ?? 1;
  const folder = await mkdtemp(join(tmpdir(), 'mailyard-kafka-'));
  const inContainers = await dockerEngine();
  const network = inContainers ? await new Network().start() : undefined;
  const nodes =
    network === undefined ? await localNodes(folder, count, options) : await containerNodes(network, count, options);
  const bootstrap = nodes.map(({ port }) => `127.0.0.1:${port}`);
  const node = (broker = 1): Node => {
    const found = nodes[broker - 1];
    if (found === undefined) throw new RangeError(`there is no broker ${broker}`);
    return found;
  };
  const stop = async (): Promise<void> => {
    await Promise.all(nodes.map(({ unit }) => unit.kill()));
    await Promise.all(nodes.map(({ unit }) => unit.remove()));
    await network?.stop();
    await rm(folder, { recursive: true, force: true });
  };
  try {
    await Promise.all(nodes.map(({ unit }) => unit.start()));
    await awaitBrokers(bootstrap, count);
  } catch (error) {
    await stop();
    throw error;
  }
  return {
    bootstrap,
    kill: (broker) => node(broker).unit.kill(),
    halt: (broker) => node(broker).unit.stop(),
    resume: async (broker) => {
      const { unit, port } = node(broker);
      await unit.start();
      await awaitBroker(`127.0.0.1:${port}`, node(broker).id);
    },
    freeze: (broker) => node(broker).unit.freeze(),
    thaw: (broker) => node(broker).unit.thaw(),
    stop,
  };
}

async function localNodes(folder: string, count: number, options: KafkaOptions): Promise<Node[]> {
  const java = findProgram('java');
  if (java === undefined) throw new Error('Kafka needs Java');
  const ids = Array.from({ length: count }, (_, index) => index + 1);
  const ports = await Promise.all(ids.map(async (id) => ({ id, outer: await freePort(), inner: await freePort() })));
  const voters = ports.map(({ id, inner }) => `${id}@127.0.0.1:${inner}`).join(',');
  const jvm = [
    '-XX:+UseSerialGC',
    '-XX:TieredStopAtLevel=1',
    `-Xmx${options.heap ?? '256m'}`,
    `-Dlog4j2.configurationFile=${join(import.meta.dirname, 'kafka.log4j2.xml')}`,
    '-cp',
    `${kafkaJars()}/*`,
    ...(options.jvm ?? []),
  ];
  return await Promise.all(
    ports.map(async ({ id, outer, inner }) => {
      const home = join(folder, String(id));
      await mkdir(home, { recursive: true });
      const properties = join(home, 'server.properties');
      const addresses = {
        listeners: `PLAINTEXT://127.0.0.1:${outer},CONTROLLER://127.0.0.1:${inner}`,
        advertised: `PLAINTEXT://127.0.0.1:${outer}`,
        voters,
        logFolder: join(home, 'data'),
      };
      await writeFile(properties, serverProperties(id, count, addresses, options.properties ?? {}));
      await runCommand(java, [...jvm, 'kafka.tools.StorageTool', 'format', '-t', CLUSTER_ID, '-c', properties]);
      const unit = new LocalProcess({
        folder: home,
        command: java,
        parameters: [...jvm, 'kafka.Kafka', properties],
        ready: () => isListening(outer),
        readyWithinMs: READY_WITHIN_MS,
      });
      return { id, port: outer, unit };
    }),
  );
}

async function containerNodes(network: StartedNetwork, count: number, options: KafkaOptions): Promise<Node[]> {
  const ids = Array.from({ length: count }, (_, index) => index + 1);
  const voters = ids.map((id) => `${id}@kafka-${id}:9093`).join(',');
  return await Promise.all(
    ids.map(async (id) => {
      const port = await freePort();
      const addresses = {
        listeners: 'PLAINTEXT://0.0.0.0:19092,OUTSIDE://0.0.0.0:9092,CONTROLLER://0.0.0.0:9093',
        advertised: `PLAINTEXT://kafka-${id}:19092,OUTSIDE://127.0.0.1:${port}`,
        voters,
        logFolder: '/tmp/kraft-combined-logs',
      };
      const unit = new ContainerUnit({
        image: IMAGE,
        environment: { CLUSTER_ID, KAFKA_HEAP_OPTS: `-Xmx${options.heap ?? '256m'}` },
        ports: [{ container: 9092, host: port }],
        files: [
          {
            target: '/mnt/shared/config/server.properties',
            content: serverProperties(id, count, addresses, options.properties ?? {}),
          },
        ],
        network,
        alias: `kafka-${id}`,
        ready: () => isListening(port),
        readyWithinMs: READY_WITHIN_MS,
      });
      return { id, port, unit };
    }),
  );
}

function serverProperties(
  id: number,
  count: number,
  addresses: Addresses,
  further: Readonly<Record<string, string>>,
): string {
  const replicas = String(Math.min(count, 3));
  const inSync = count >= 3 ? '2' : '1';
  const properties: Readonly<Record<string, string>> = {
    'node.id': String(id),
    'process.roles': 'broker,controller',
    listeners: addresses.listeners,
    'advertised.listeners': addresses.advertised,
    'listener.security.protocol.map': 'PLAINTEXT:PLAINTEXT,OUTSIDE:PLAINTEXT,CONTROLLER:PLAINTEXT',
    'inter.broker.listener.name': 'PLAINTEXT',
    'controller.listener.names': 'CONTROLLER',
    'controller.quorum.voters': addresses.voters,
    'log.dirs': addresses.logFolder,
    // A broker that was killed is missed, and let in again, after three seconds rather than nine.
    'broker.session.timeout.ms': '3000',
    'broker.heartbeat.interval.ms': '500',
    'auto.create.topics.enable': 'false',
    'default.replication.factor': replicas,
    'min.insync.replicas': inSync,
    // A follower that fell behind leaves the in-sync replicas soon enough for a test to see it.
    'replica.lag.time.max.ms': '5000',
    'group.initial.rebalance.delay.ms': '0',
    'offsets.topic.num.partitions': '4',
    'offsets.topic.replication.factor': replicas,
    'num.io.threads': '4',
    'num.network.threads': '2',
    'log.cleaner.dedupe.buffer.size': '16777216',
    ...further,
  };
  return Object.entries(properties)
    .map(([key, value]) => `${key}=${value}\n`)
    .join('');
}

async function awaitBrokers(bootstrap: readonly string[], count: number): Promise<void> {
  await untilCluster(bootstrap, (brokers) => brokers.length === count);
}

async function awaitBroker(address: string, id: number): Promise<void> {
  await untilCluster([address], (brokers) => brokers.includes(id));
}

async function untilCluster(bootstrap: readonly string[], holds: (brokers: number[]) => boolean): Promise<void> {
  const kafka = new Kafka({
    clientId: 'testkit',
    brokers: [...bootstrap],
    logLevel: logLevel.NOTHING,
    retry: { retries: 0 },
    connectionTimeout: 2_000,
  });
  const admin = kafka.admin();
  const probe = async (): Promise<boolean> => {
    try {
      await admin.connect();
      const { brokers } = await admin.describeCluster();
      return holds(brokers.map(({ nodeId }) => nodeId));
    } catch {
      return false;
    }
  };
  try {
    await until(probe, READY_WITHIN_MS, () => `the cluster at ${bootstrap.join(', ')} did not come together`);
  } finally {
    await admin.disconnect();
  }
}
