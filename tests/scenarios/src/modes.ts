import { describeWith } from '@mailyard/testkit/services/require-service';
import type { ServiceName } from '@mailyard/testkit/services/installation';
import { afterAll, beforeAll } from 'vitest';
import { type Neighbours, startNeighbours } from './distributed.ts';
import { Scenario } from './scenario.ts';

/**
 * The same scenarios twice: embedded, and on Kafka, Redis and an S3 server.
 *
 * @param also further neighbours that the scenarios need
 */
export async function inBothModes(
  title: string,
  specify: (begin: () => Promise<Scenario>) => void,
  also: readonly ServiceName[] = [],
): Promise<void> {
  await describeWith(also, `${title}, embedded`, () => specify(() => Scenario.begin()));
  await describeWith([...also, 'kafka', 'redis', 's3'], `${title}, distributed`, () => {
    let neighbours: Neighbours;
    beforeAll(async () => {
      neighbours = await startNeighbours(1);
    });
    afterAll(() => neighbours?.stop());
    specify(() => Scenario.begin(neighbours));
  });
}
