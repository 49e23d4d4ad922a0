/**
 * Loaded into a Node program under test before it (`--import`): at each SIGUSR2 writes what its main thread has
 * allocated on V8's heap since the last one, in octets, to `FOLDER/PID`. FOLDER is in the environment.
 *
 * Counted between the ends of garbage collections, so that nothing is sampled and nothing depends on the clock.
 */
import { renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { GCProfiler, getHeapStatistics } from 'node:v8';
import { isMainThread } from 'node:worker_threads';

/** Names the folder in the environment of the program that is measured. */
export const ALLOCATIONS_FOLDER = 'LOAD_ALLOCATIONS_FOLDER';

const folder = process.env[ALLOCATIONS_FOLDER];

if (isMainThread && folder !== undefined) {
  let profiler = begin();
  let left = getHeapStatistics().used_heap_size;
  process.on('SIGUSR2', () => {
    let octets = 0;
    for (const { beforeGC, afterGC } of profiler.stop().statistics) {
      octets += beforeGC.heapStatistics.usedHeapSize - left;
      left = afterGC.heapStatistics.usedHeapSize;
    }
    const used = getHeapStatistics().used_heap_size;
    octets += used - left;
    profiler = begin();
    left = used;
    // Whole at once: the harness waits for the file.
    const file = join(folder, String(process.pid));
    writeFileSync(`${file}.new`, String(octets));
    renameSync(`${file}.new`, file);
  });
}

function begin(): GCProfiler {
  const profiler = new GCProfiler();
  profiler.start();
  return profiler;
}
