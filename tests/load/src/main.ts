/**
 * Measures Mailyard beside other mail systems: `node tests/load/src/main.ts COMMAND`, as root, on Linux.
 *
 *   compare [--workload relay] [--size 4k] [--sessions 20] [--pairs 5] [--seconds 5] [--systems postfix,mailyard]
 *       ratios of pairs of bursts, to the first system; workloads: ingest relay relay-r10 relay-r10x10; sizes: 4k 40k 1m
 *
 * For all: --results DIR takes JSON lines; --folder DIR is where the systems keep their queues (a
 * temporary one): on the disk whose syncs are to count, never on a tmpfs.
 */
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { compare } from './compare.ts';
import { comparisonTable } from './comparison-table.ts';
import { MeasuredGroup } from './measured-group.ts';
import { openResults } from './results.ts';
import { systemNamed } from './systems/all.ts';
import { SIZES, WORKLOADS } from './workloads.ts';

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: {
    workload: { type: 'string', default: 'relay' },
    size: { type: 'string', default: '4k' },
    sessions: { type: 'string', default: '20' },
    pairs: { type: 'string', default: '5' },
    seconds: { type: 'string', default: '5' },
    systems: { type: 'string', default: 'postfix,mailyard' },
    results: { type: 'string' },
    folder: { type: 'string' },
  },
});

const folder = values.folder ?? mkdtempSync(join(tmpdir(), 'mailyard-load-'));
// The systems' processes run as other users, who must be able to pass through.
if (values.folder === undefined) chmodSync(folder, 0o755);
const missing = MeasuredGroup.missing();
if (missing !== undefined) {
  process.stderr.write(`nothing can be measured: ${missing}\n`);
  process.exit(69);
}
const [command] = positionals;
try {
  if (command === 'compare') await runCompare();
  else misused(`no such command: ${command ?? ''}`);
} finally {
  if (values.folder === undefined) rmSync(folder, { recursive: true, force: true });
}

async function runCompare(): Promise<void> {
  const systems = values.systems.split(',').map(systemNamed);
  const records = await compare(
    systems,
    {
      workload: named(WORKLOADS, values.workload),
      size: values.size,
      sizeOctets: named(SIZES, values.size),
      sessions: Number(values.sessions),
      pairs: Number(values.pairs),
      pairsAStart: 3,
      seconds: Number(values.seconds),
      folder,
    },
    openResults(values.results, 'bursts'),
  );
  process.stdout.write(comparisonTable(records, systems[0]!.name));
}

function named<T>(map: ReadonlyMap<string, T>, name: string): T {
  const found = map.get(name);
  if (found !== undefined) return found;
  return misused(`no such thing: ${name}; there are: ${[...map.keys()].join(', ')}`);
}

function misused(problem: string): never {
  process.stderr.write(`${problem}\n`);
  process.exit(64);
}
