import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { startKafka } from '@mailyard/testkit/services/kafka';
import { startRedis } from '@mailyard/testkit/services/redis';
import { startS3 } from '@mailyard/testkit/services/s3';
import { stringify } from 'yaml';
import { type CommandResult, Gateway, mailyard } from './gateway.ts';
import type { Scenario } from './scenario.ts';

/** Kafka, Redis and an S3 server that the scenarios of one file share; each scenario has a topic, a database and keys of its own. */
export interface Neighbours {
  readonly kafka: Awaited<ReturnType<typeof startKafka>>;
  readonly redis: Awaited<ReturnType<typeof startRedis>>;
  readonly s3: Awaited<ReturnType<typeof startS3>>;
  stop(): Promise<void>;
}

/** Starts the neighbours, all at once. */
export async function startNeighbours(brokers: 1 | 3): Promise<Neighbours> {
  const [kafka, redis, s3] = await Promise.all([startKafka({ brokers }), startRedis(), startS3()]);
  return {
    kafka,
    redis,
    s3,
    stop: async () => {
      await Promise.all([kafka.stop(), redis.stop(), s3.stop()]);
    },
  };
}

let deployments = 0;

/** One distributed gateway of a scenario: its processes share stores, and any of them may die. */
export class Deployment {
  /** The database that has its configuration. */
  readonly redisUrl: string;
  readonly #scenario: Scenario;
  readonly #settings: string;
  readonly #environment: Record<string, string>;
  #processes = 0;

  private constructor(scenario: Scenario, settings: string, redisUrl: string, environment: Record<string, string>) {
    this.redisUrl = redisUrl;
    this.#scenario = scenario;
    this.#settings = settings;
    this.#environment = environment;
  }

  /** Writes the settings and begins the configuration with `mailyard init`. @param more settings */
  static async begin(
    scenario: Scenario,
    { kafka, redis, s3 }: Neighbours,
    partitions = 8,
    more: Readonly<Record<string, unknown>> = {},
  ): Promise<Deployment> {
    const name = `scenario-${process.pid}-${++deployments}`;
    const file = join(scenario.folder, 'mailyard.yaml');
    const redisUrl = `${redis.url}/${deployments % 16}`;
    const settings = {
      hostname: 'mx.scenario.example',
      log: { kafka: { brokers: [...kafka.bootstrap], topic: name, group: name, partitions } },
      configuration: { redis: { url: redisUrl }, lineage: name },
      bodies: {
        s3: {
          endpoint: s3.endpoint,
          region: s3.region,
          bucket: s3.bucket,
          prefix: `${name}/`,
          accessKeyId: s3.accessKeyId,
          secretAccessKey: { environment: 'SCENARIO_S3_SECRET' },
        },
      },
      ...more,
    };
    await writeFile(file, stringify(settings));
    const environment = { SCENARIO_S3_SECRET: s3.secretAccessKey };
    const result = await mailyard(['init', '--config', file], { env: environment });
    if (result.status !== 0) throw new Error(`init: ${result.stderr}`);
    return new Deployment(scenario, file, redisUrl, environment);
  }

  /** Starts a process with these roles, on free ports and a data folder of its own. */
  async start(roles: string, more: readonly string[] = [], environment: Record<string, string> = {}): Promise<Gateway> {
    const name = `${roles.replaceAll(',', '-')}-${++this.#processes}`;
    const words = ['--config', this.#settings, '--roles', roles, '--data', join(this.#scenario.folder, name)];
    const free = ['--smtp', '127.0.0.1:0', '--grpc', '127.0.0.1:0', '--http', '127.0.0.1:0'];
    const gateway = await Gateway.start([...words, ...free, ...more], join(this.#scenario.folder, `${name}.log`), {
      ...this.#environment,
      ...environment,
    });
    this.#scenario.onEnd(() => gateway.end('SIGKILL'));
    return gateway;
  }

  /** What `mailyard check` says of the deployment's settings. */
  check(environment: Record<string, string> = {}): Promise<CommandResult> {
    return mailyard(['check', '--config', this.#settings], { env: { ...this.#environment, ...environment } });
  }

  /** A delivery worker, which asks the given process for routes. */
  worker(routing: Gateway, more: readonly string[] = []): Promise<Gateway> {
    return this.start('delivery', more, routingAt(routing.address('grpc')));
  }
}

/** The environment that tells a process where routing is. */
export function routingAt(address: string): Record<string, string> {
  return { MAILYARD_ROUTING_ADDRESSES: JSON.stringify([address]) };
}
