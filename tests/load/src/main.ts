/**
 * Measures Mailyard beside other mail systems: `node tests/load/src/main.ts COMMAND`, as root, on Linux.
 *
 *   compare [--workload relay] [--size 4k] [--sessions 20] [--pairs 5] [--seconds 5] [--systems postfix,mailyard]
 *       ratios of pairs of bursts, to the first system; workloads: ingest relay relay-r10 relay-r10x10; sizes: 4k 40k 1m
 *       systems: postfix mailyard haraka; the last is installed from npm when it is named; and mailyard-relays,
 *       mailyard-rsa and mailyard-ed25519, which relay for the load generator and sign or not (DKIM)
 *   profile [--workload relay] [--size 4k] [--sessions 20] [--seconds 5] [--out FILE]
 *       where Mailyard's main thread spends its time; FILE takes the profile, which any Chromium shows
 *   calls [--workload relay] [--size 4k] [--sessions 20] [--systems postfix,mailyard]
 *       fsyncs, renames, socket writes and connections for each message, by strace
 *   backlog [--messages 50000] [--size 4k] [--sessions 20] [--systems postfix,mailyard]
 *       mail for hosts that are down: memory and disk a message, and its drain once they are back
 *   latency [--rate 200] [--seconds 5] [--pairs 5] [--sessions 100] [--systems postfix,mailyard]
 *       from the final dot to the 250 at one offered rate
 *   faults [--pairs 9] [--seconds 3] [--systems mailyard]
 *       the rate to a healthy host beside bad ones; at least seven pairs make a verdict
 *   distributed [--workload relay] [--size 4k] [--sessions 20] [--pairs 5] [--seconds 5] [--workers 1]
 *       [--connections 20]
 *       Mailyard on Kafka, Redis and S3 beside Postfix, its own CPU and theirs; with so few connections a destination
 *       that a worker waits rather than works, several workers show what one more carries where there is CPU for it
 *   watchers [--workload relay] [--size 4k] [--sessions 20] [--pairs 9] [--seconds 3]
 *       what those who watch events cost: Mailyard alone, in turn with none, one and three of them
 *   bench [--quick]
 *       the whole table of record; quick, in about nine minutes, only shows that all of it runs
 *
 * For all: --results DIR takes JSON lines; --folder DIR is where the systems keep their queues (a
 * temporary one): on the disk whose syncs are to count, never on a tmpfs.
 */
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { type BacklogFigures, backlogTable, measureBacklog } from './backlog.ts';
import { bench } from './bench.ts';
import type { RunPlan } from './bench-run.ts';
import { type Comparison, compare } from './compare.ts';
import { compareDistributed, distributedTable } from './compare-distributed.ts';
import { comparisonTable } from './comparison-table.ts';
import { FAULTS, type FaultFigures, faultTable, measureFault } from './faults.ts';
import { latencyTable, measureLatency } from './latency.ts';
import { MeasuredGroup } from './measured-group.ts';
import { profile, profileTable } from './profile.ts';
import { openResults, table } from './results.ts';
import { printNumber } from './statistics.ts';
import { countCalls } from './system-calls.ts';
import { systemsNamed } from './systems/all.ts';
import type { MailSystem } from './systems/system.ts';
import { mailyard } from './systems/mailyard.ts';
import { postfix } from './systems/postfix.ts';
import { measureWatchers, watchersTable } from './watchers.ts';
import { scaled, SIZES, WORKLOADS } from './workloads.ts';

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
    messages: { type: 'string', default: '50000' },
    quick: { type: 'boolean', default: false },
    workers: { type: 'string', default: '1' },
    connections: { type: 'string' },
    rate: { type: 'string', default: '200' },
    folder: { type: 'string' },
    out: { type: 'string' },
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
const COMMANDS: ReadonlyMap<string, () => Promise<void>> = new Map([
  ['bench', runBench],
  ['compare', runCompare],
  ['profile', runProfile],
  ['calls', runCalls],
  ['backlog', runBacklog],
  ['latency', runLatency],
  ['faults', runFaults],
  ['distributed', runDistributed],
  ['watchers', runWatchers],
]);
try {
  const run = COMMANDS.get(command ?? '');
  if (run === undefined) misused(`no such command: ${command ?? ''}; there are: ${[...COMMANDS.keys()].join(', ')}`);
  await run();
} finally {
  if (values.folder === undefined) rmSync(folder, { recursive: true, force: true });
}

async function runBench(): Promise<void> {
  const print = (text: string): void => void process.stdout.write(`${text}\n`);
  await bench({ folder, results: values.results, quick: values.quick, print });
}

async function runCompare(): Promise<void> {
  const systems = await chosenSystems();
  const records = await compare(systems, comparison(), openResults(values.results, 'bursts'));
  process.stdout.write(comparisonTable(records, systems[0]!.name));
}

async function runProfile(): Promise<void> {
  const messages = scaled(Number(values.seconds) * 2_000, plan().workload, plan().sizeOctets);
  const taken = await profile(mailyard, plan(), messages);
  if (values.out !== undefined) writeFileSync(values.out, JSON.stringify(taken));
  process.stdout.write(profileTable(taken));
}

async function runCalls(): Promise<void> {
  const record = openResults(values.results, 'calls');
  const rows: string[][] = [];
  for (const system of await chosenSystems()) {
    const counts = await countCalls(system, plan(), scaled(2_000, plan().workload, plan().sizeOctets));
    record({ kind: 'calls', system: system.name, workload: values.workload, size: values.size, ...counts });
    rows.push([system.name, ...Object.values(counts).map(printNumber)]);
  }
  const head = ['syncs', 'synced writes', 'renames', 'TCP writes', 'local writes', 'connects'];
  process.stdout.write(table(['a message', ...head], rows));
}

async function runBacklog(): Promise<void> {
  const record = openResults(values.results, 'backlog');
  const figures = new Map<string, BacklogFigures>();
  for (const system of await chosenSystems()) {
    const measured = await measureBacklog(system, plan(), Number(values.messages));
    record({ kind: 'backlog', system: system.name, size: values.size, ...measured });
    figures.set(system.name, measured);
  }
  process.stdout.write(backlogTable(figures));
}

async function runLatency(): Promise<void> {
  const systems = await chosenSystems();
  const [rate, seconds, rounds] = [Number(values.rate), Number(values.seconds), Number(values.pairs)];
  const record = openResults(values.results, 'latency');
  const results = await measureLatency(systems, plan(), { rate, seconds, rounds }, record);
  process.stdout.write(latencyTable(results, rate));
}

async function runFaults(): Promise<void> {
  const record = openResults(values.results, 'faults');
  const faultPlan = { otherRate: 100, pairs: Number(values.pairs), seconds: Number(values.seconds) };
  for (const system of await chosenSystems()) {
    const figures: FaultFigures[] = [];
    for (const fault of FAULTS.keys()) figures.push(await measureFault(system, plan(), fault, faultPlan, record));
    process.stdout.write(faultTable(system.name, figures));
  }
}

async function runDistributed(): Promise<void> {
  const workers = values.workers.split(',').map(Number);
  const record = openResults(values.results, 'distributed');
  const { connections } = values;
  const records = await compareDistributed(
    postfix,
    workers,
    [
      connections === undefined
        ? comparison()
        : { ...comparison(), environment: { MAILYARD_DELIVERY_MAXCONNECTIONSPERDESTINATION: connections } },
    ],
    record,
  );
  process.stdout.write(distributedTable(records, postfix.name));
}

async function runWatchers(): Promise<void> {
  const messages = scaled(Number(values.seconds) * 4_000, plan().workload, plan().sizeOctets);
  const record = openResults(values.results, 'watchers');
  process.stdout.write(watchersTable(await measureWatchers(plan(), Number(values.pairs), messages, record)));
}

function chosenSystems(): Promise<MailSystem[]> {
  return systemsNamed(values.systems, (line) => void process.stderr.write(`${line}\n`));
}

function comparison(): Comparison {
  return {
    ...plan(),
    size: values.size,
    pairs: Number(values.pairs),
    pairsAStart: 3,
    seconds: Number(values.seconds),
  };
}

/** What the command line says of workload, size and sessions. */
function plan(): RunPlan {
  return {
    workload: named(WORKLOADS, values.workload),
    sizeOctets: named(SIZES, values.size),
    sessions: Number(values.sessions),
    folder,
  };
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
