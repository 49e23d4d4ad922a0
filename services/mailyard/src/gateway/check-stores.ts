import { KafkaQueueLog } from '@mailyard/kafka';
import { RedisConfigurationLog } from '@mailyard/redis';
import { S3BodyStore } from '@mailyard/s3';
import type { Settings, SettingsFault } from '@mailyard/settings';
import { kafkaOptions, redisLocation, s3Options } from './distributed-stores.ts';

/** What asking the stores showed: those that do not answer, and what makes the others unsafe for mail. */
export interface StoreFindings {
  readonly away: readonly SettingsFault[];
  readonly unsafe: readonly SettingsFault[];
}

/** Asks Kafka, Redis and the body store of a distributed gateway, all at once; starts nothing and changes nothing in them. */
export async function checkStores(
  settings: Settings,
  environment: Readonly<Record<string, string | undefined>>,
): Promise<StoreFindings> {
  const away: SettingsFault[] = [];
  const unsafe: SettingsFault[] = [];
  const ask = async (place: string, question: () => Promise<readonly string[]>): Promise<void> => {
    try {
      for (const problem of await question()) unsafe.push({ place, problem });
    } catch (error) {
      away.push({ place, problem: error instanceof Error ? error.message : String(error) });
    }
  };
  await Promise.all([
    ask('log.kafka', () => KafkaQueueLog.check(kafkaOptions(settings, environment))),
    ask('configuration.redis', async () => {
      const log = new RedisConfigurationLog(redisLocation(settings, environment));
      try {
        const complaints = await log.check();
        const lineage = await log.lineage();
        if (lineage === settings.configuration.lineage) return complaints;
        return [
          ...complaints,
          `the configuration log is of lineage ${lineage ?? 'none (see mailyard init)'}, not ${settings.configuration.lineage}`,
        ];
      } finally {
        await log.close();
      }
    }),
    ask('bodies.s3', async () => {
      const store = new S3BodyStore(s3Options(settings, environment));
      try {
        await store.check();
        return [];
      } finally {
        await store.close();
      }
    }),
  ]);
  const byPlace = (a: SettingsFault, b: SettingsFault): number => (a.place < b.place ? -1 : 1);
  return { away: away.toSorted(byPlace), unsafe: unsafe.toSorted(byPlace) };
}
