import { readFileSync, readdirSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { runCommand } from '@mailyard/testkit/services/command';
import { startKafka } from '@mailyard/testkit/services/kafka';
import { startRedis } from '@mailyard/testkit/services/redis';
import { startS3 } from '@mailyard/testkit/services/s3';
import { stringify } from 'yaml';
import { MeasuredGroup } from '../measured-group.ts';
import { MAILYARD_PROGRAM, type RunningMailyard, startMailyard } from './mailyard.ts';
import type { MailSystem } from './system.ts';

/** The environment variable that the settings name. */
export const S3_SECRET = 'LOAD_S3_SECRET';

/** What a distributed Mailyard stands on; each of the three in a control group of its own. */
export interface Neighbours {
  readonly kafka: Awaited<ReturnType<typeof startKafka>>;
  readonly redis: Awaited<ReturnType<typeof startRedis>>;
  readonly s3: Awaited<ReturnType<typeof startS3>>;
  /** CPU seconds so far, by neighbour. */
  cpuSeconds(): Readonly<Record<'kafka' | 'redis' | 's3', number>>;
  stop(): Promise<void>;
}

/** Starts the neighbours one after another: what becomes our child meanwhile is the neighbour. */
export async function startNeighbours(brokers: 1 | 3): Promise<Neighbours> {
  const groups: MeasuredGroup[] = [];
  const inGroup = async <T>(name: string, start: () => Promise<T>): Promise<T> => {
    const before = new Set(childrenOf(process.pid));
    const started = await start();
    const group = new MeasuredGroup(name);
    groups.push(group);
    for (const pid of childrenOf(process.pid)) if (!before.has(pid)) for (const each of tree(pid)) group.take(each);
    return started;
  };
  // The JVM of tests compiles in a hurry; one that is measured compiles well, as in production.
  const kafka = await inGroup('kafka', () => startKafka({ brokers, heap: '768m', jvm: ['-XX:TieredStopAtLevel=4'] }));
  const redis = await inGroup('redis', () => startRedis());
  const s3 = await inGroup('s3', () => startS3());
  return {
    kafka,
    redis,
    s3,
    cpuSeconds: () => {
      const [k, r, s] = groups.map((group) => group.cpuSeconds());
      return { kafka: k!, redis: r!, s3: s! };
    },
    stop: async () => {
      await Promise.all([kafka.stop(), redis.stop(), s3.stop()]);
      for (const group of groups) await group.end();
    },
  };
}

let deployments = 0;

/**
 * Mailyard on Kafka (acks=all), Redis and an S3 server: one process that receives, routes and tracks, and so many that
 * deliver. Only Mailyard's own processes are in the plan's group.
 */
export function distributed(neighbours: Neighbours, workers = 1): MailSystem {
  return {
    name: workers === 1 ? 'mailyard on Kafka' : `mailyard on Kafka, ${workers} workers`,
    warmUp: 6_000,
    describe: async () => ({
      version: (await runCommand(MAILYARD_PROGRAM, ['--version'])).trim(),
      durability: 'acknowledged by all in-sync replicas (acks=all); bodies above 32 KiB in the S3 store',
    }),
    async start(plan) {
      const name = `load-${process.pid}-${++deployments}`;
      const config = join(plan.folder, 'mailyard.yaml');
      await writeFile(config, stringify(settingsOn(neighbours, name)));
      const environment = { [S3_SECRET]: neighbours.s3.secretAccessKey, ...plan.environment };
      await runCommand(MAILYARD_PROGRAM, ['init', '--config', config], environment);
      const words = (roles: string): string[] => [
        ...['--config', config, '--roles', roles],
        ...['--data', join(plan.folder, roles), '--smtp', '127.0.0.1:0'],
      ];
      const accepts = plan.routes.flatMap((route) => ['--accept', `${route.domain}=${route.destinations.join(',')}`]);
      const own = { ...plan, environment };
      const front = await startMailyard(own, 'front', [...words('ingress,routing,admin'), ...accepts]);
      const running = [front];
      for (let worker = 1; plan.mode === 'relay' && worker <= workers; worker++) {
        const routing = { MAILYARD_ROUTING_ADDRESSES: JSON.stringify([front.grpc]) };
        const far = { ...plan, environment: { ...environment, ...routing } };
        running.push(await startMailyard(far, `delivery-${worker}`, words('delivery')));
      }
      return {
        ...front,
        logRequests: () => logRequests(running),
        stop: async () => {
          for (const each of running.reverse()) await each.stop();
        },
      };
    },
  };
}

/** What `mailyard.yaml` says for one deployment on these neighbours. @param name of its topic, group and lineage */
export function settingsOn({ kafka, redis, s3 }: Neighbours, name: string): object {
  return {
    hostname: 'mx.load.test',
    log: { kafka: { brokers: [...kafka.bootstrap], topic: name, group: name, partitions: 8 } },
    configuration: { redis: { url: `${redis.url}/${deployments % 16}` }, lineage: name },
    bodies: {
      s3: {
        endpoint: s3.endpoint,
        region: s3.region,
        bucket: s3.bucket,
        prefix: `${name}/`,
        accessKeyId: s3.accessKeyId,
        secretAccessKey: { environment: S3_SECRET },
      },
    },
  };
}

/** As the metrics of all processes tell. */
async function logRequests(running: readonly RunningMailyard[]): Promise<ReadonlyMap<string, number>> {
  const counts = new Map<string, number>();
  for (const { http } of running) {
    const page = await (await fetch(`http://${http}/metrics`)).text();
    for (const [, kind, count] of page.matchAll(/^mailyard_log_requests_total\{.*?\brequest="(\w+)".*?\} (\d+)/gm))
      counts.set(kind!, (counts.get(kind!) ?? 0) + Number(count));
  }
  return counts;
}

/** A process and all below it. */
function tree(pid: number): number[] {
  return [pid, ...childrenOf(pid).flatMap(tree)];
}

function childrenOf(pid: number): number[] {
  return readdirSync(`/proc/${pid}/task`).flatMap((thread) =>
    readFileSync(`/proc/${pid}/task/${thread}/children`, 'utf8').split(' ').filter(Boolean).map(Number),
  );
}
