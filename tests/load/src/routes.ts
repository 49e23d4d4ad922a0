/**
 * What routes cost: `node tests/load/src/routes.ts [entries...]` (10000 40000 1000000).
 *
 * In process: lookups a second, heap an entry, reading a file, building the table again from its snapshot and from its
 * change sets. Over gRPC, against a gateway started as users start it: lookups one by one and in batches, for a core
 * second of the server and by the clock, and how long a commit takes until four watchers have it. Beside them `postmap
 * -q` on the same keys, where Postfix is installed. Prints one JSON object a line.
 */
import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { ConfigurationFold, initialState, routeTableOf } from '@mailyard/configuration';
import {
  decodeChangeSet,
  decodeSnapshot,
  encodeChangeSet,
  encodeSnapshot,
  routingWire as wire,
} from '@mailyard/contracts';
import { AdministrationClient, GrpcRouteLookup } from '@mailyard/grpc';
import type { Domain } from '@mailyard/mail';
import { DEFAULT_ROUTE_RULES, parseRouteFile, type RouteTable, type SmtpRoute } from '@mailyard/smtp-routes';
import { credentials } from '@grpc/grpc-js';

const program = join(import.meta.dirname, '../../../bin/mailyard');
const RULES = { ...DEFAULT_ROUTE_RULES, maxRoutes: 2_000_000 };

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

function report(what: string, figures: Readonly<Record<string, number | string>>): void {
  const rounded = Object.entries(figures).map(([key, value]) => [
    key,
    typeof value === 'number' ? Number(value.toPrecision(4)) : value,
  ]);
  process.stdout.write(`${JSON.stringify({ what, ...Object.fromEntries(rounded) })}\n`);
}

/** Names as tables have them: companies with some hosts of their own, a third of the entries partial. */
function keysOf(count: number): string[] {
  return Array.from({ length: count }, (_, i) => {
    const company = `company-${(i * 7919) % count}.example${i % 5}.test`;
    if (i % 3 === 0) return `.${company}`;
    return i % 3 === 1 ? company : `mail${i % 9}.${company}`;
  });
}

function fileOf(keys: readonly string[]): string {
  return keys
    .map((key, i) => `${key} relay${i % 50}.example.net:25/pri=0, relay${(i + 1) % 50}.example.net\n`)
    .join('');
}

/**
 * A quarter to a half of the questions name an entry, as many something below one, a quarter nothing that is there. Each
 * is a string of its own, as one that was cut from a command or a request is: what the keys are made of is not asked.
 */
function questionsOf(keys: readonly string[], count: number): Domain[] {
  let seed = 1;
  const random = (below: number): number => {
    seed = (Math.imul(seed, 1_103_515_245) + 12_345) & 0x7fffffff;
    return seed % below;
  };
  return Array.from({ length: count }, (_, i) => {
    const key = keys[random(keys.length)]!;
    const name = key.startsWith('.') ? key.slice(1) : key;
    if (i % 4 === 3) return asReceived(`host${random(1e6)}.nowhere${random(1e6)}.test`);
    return asReceived(i % 4 === 2 || key.startsWith('.') ? `x${i % 100}.${name}` : name);
  });
}

function asReceived(name: string): Domain {
  return Buffer.from(name, 'latin1').toString('latin1') as Domain;
}

function seconds(work: () => void): number {
  const start = process.cpuUsage();
  work();
  const { user, system } = process.cpuUsage(start);
  return (user + system) / 1e6;
}

function measureInProcess(count: number): void {
  const keys = keysOf(count);
  const text = fileOf(keys);
  collect();
  const before = process.memoryUsage().heapUsed + process.memoryUsage().arrayBuffers;
  let routes: readonly SmtpRoute[] = [];
  const reading = seconds(() => {
    const read = parseRouteFile(text, RULES);
    if (read.kind === 'faults') throw new Error(JSON.stringify(read.faults[0]));
    routes = read.routes;
  });
  report('read a file', { entries: count, seconds: reading, microsecondsALine: (reading / count) * 1e6 });

  const changeSet = {
    id: 'x',
    lineage: 'l',
    version: 1,
    previousHash: '',
    author: '',
    reason: '',
    at: 0,
    operations: [{ kind: 'replace', section: 'routes', items: routes } as const],
  };
  const payload = encodeChangeSet(changeSet);
  const fold = new ConfigurationFold(initialState('l'));
  fold.apply(decodeChangeSet(payload), 'hash');
  const snapshot = encodeSnapshot(fold.finish());
  let table: RouteTable | undefined;
  const tail = seconds(() => {
    const again = new ConfigurationFold(initialState('l'));
    again.apply(decodeChangeSet(payload), 'hash');
    table = routeTableOf(again.finish());
  });
  report('build from change sets', { entries: count, seconds: tail });
  routes = [];
  const rebuilding = seconds(() => {
    table = routeTableOf(decodeSnapshot(snapshot)!);
  });
  report('build from a snapshot', { entries: count, seconds: rebuilding });
  collect();
  const kept =
    process.memoryUsage().heapUsed + process.memoryUsage().arrayBuffers - before - payload.length - snapshot.length;
  report('memory', { entries: count, bytesAnEntry: kept / count });
  measureLookups(table!, count, questionsOf(keys, 1_000_000));
}

function measureLookups(table: RouteTable, count: number, questions: readonly Domain[]): void {
  let matched = 0;
  const pass = (): void => {
    for (const domain of questions) if (table.lookup(domain).matched !== 'DNS') matched++;
  };
  pass();
  const runs = Array.from({ length: 5 }, () => seconds(pass)).sort((a, b) => a - b);
  report('look up in process', {
    entries: count,
    lookupsACoreSecond: questions.length / runs[2]!,
    matchedShare: matched / 6 / questions.length,
  });
}

interface Gateway {
  readonly address: string;
  readonly pid: number;
  stop(): Promise<void>;
}

async function startGateway(folder: string): Promise<Gateway> {
  writeFileSync(join(folder, 'mailyard.yaml'), 'routing: {maxRoutes: 1000000}\n');
  const words = [
    'start',
    '--config',
    join(folder, 'mailyard.yaml'),
    '--data',
    join(folder, 'data'),
    '--smtp',
    '127.0.0.1:0',
    '--grpc',
    '127.0.0.1:0',
    '--http',
    '127.0.0.1:0',
  ];
  const child = spawn(program, words, { stdio: ['ignore', 'pipe', 'inherit'] });
  const address = await new Promise<string>((resolve, reject) => {
    let said = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      said += text;
      const ready = /mailyard ready .*grpc=(\S+)/.exec(said);
      if (ready !== null) resolve(ready[1]!);
    });
    child.on('exit', () => reject(new Error('the gateway ended')));
  });
  const ended = new Promise<void>((resolve) => child.on('exit', () => resolve()));
  return {
    address,
    pid: nodeBelow(child.pid!),
    async stop() {
      child.kill('SIGTERM');
      await ended;
    },
  };
}

/** bin/mailyard is a shell script that may stay in front of node. */
function nodeBelow(pid: number): number {
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim();
  return children === '' ? pid : nodeBelow(Number(children.split(' ')[0]));
}

function cpuSecondsOf(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
    .replace(/^.*\) /, '')
    .split(' ');
  return (Number(fields[11]) + Number(fields[12])) / 100;
}

async function measureOverGrpc(count: number): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'mailyard-routes-'));
  const gateway = await startGateway(folder);
  const client = new AdministrationClient({ addresses: [gateway.address] });
  try {
    const keys = keysOf(count);
    const started = performance.now();
    const header = {
      id: '',
      expectedVersion: undefined,
      author: 'load',
      reason: 'load',
      format: 0,
      dryRun: false,
      confirmDiscardAll: false,
    } as const;
    const { faults } = await client.importRoutes(header, Buffer.from(fileOf(keys)));
    if (faults.length > 0) throw new Error(JSON.stringify(faults[0]));
    report('import over gRPC', { entries: count, seconds: (performance.now() - started) / 1000 });
    const questions = questionsOf(keys, 10_000);
    await measureUnary(gateway, count, questions);
    await measureBatches(gateway, count, questions);
    await measureWatchers(gateway, client, count);
  } finally {
    client.close();
    await gateway.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}

const MEASURED_MS = 5000;

async function measureUnary({ address, pid }: Gateway, count: number, questions: readonly Domain[]): Promise<void> {
  const client = new wire.RoutingServiceClient(address, credentials.createInsecure());
  const latencies: number[] = [];
  let asked = 0;
  const ask = async (until: number): Promise<void> => {
    while (performance.now() < until) {
      const start = performance.now();
      await new Promise<void>((resolve, reject) => {
        client.lookup({ recipient: questions[asked++ % questions.length]!, minVersion: 0 }, (error) =>
          error === null ? resolve() : reject(error),
        );
      });
      latencies.push(performance.now() - start);
    }
  };
  const run = (ms: number): Promise<unknown> =>
    Promise.all(Array.from({ length: 64 }, () => ask(performance.now() + ms)));
  await run(1000);
  asked = 0;
  latencies.length = 0;
  const cpu = cpuSecondsOf(pid);
  await run(MEASURED_MS);
  const spent = cpuSecondsOf(pid) - cpu;
  latencies.sort((a, b) => a - b);
  report('look up over gRPC, one by one', {
    entries: count,
    lookupsAServerCoreSecond: asked / spent,
    lookupsASecond: asked / (MEASURED_MS / 1000),
    p50Ms: latencies[Math.floor(latencies.length / 2)]!,
    p99Ms: latencies[Math.floor(latencies.length * 0.99)]!,
  });
  client.close();
}

async function measureBatches({ address, pid }: Gateway, count: number, questions: readonly Domain[]): Promise<void> {
  const client = new wire.RoutingServiceClient(address, credentials.createInsecure());
  const stream = client.lookupBatch();
  const batches = Array.from({ length: 100 }, (_, i) => ({
    recipients: questions.slice(i * 100, i * 100 + 100) as string[],
    minVersion: 0,
  }));
  let [sent, answered] = [0, 0];
  let done = (): void => {};
  let until = 0;
  const ask = (): void => void stream.write(batches[sent++ % batches.length]!);
  stream.on('error', () => done());
  stream.on('data', () => {
    answered += 100;
    if (performance.now() < until) ask();
    else if (sent * 100 === answered) done();
  });
  const run = (ms: number): Promise<void> =>
    new Promise((resolve) => {
      [sent, answered, done, until] = [0, 0, resolve, performance.now() + ms];
      for (let i = 0; i < 8; i++) ask();
    });
  await run(1000);
  const cpu = cpuSecondsOf(pid);
  await run(MEASURED_MS);
  const spent = cpuSecondsOf(pid) - cpu;
  report('look up over gRPC, a hundred a message', {
    entries: count,
    lookupsAServerCoreSecond: answered / spent,
    lookupsASecond: answered / (MEASURED_MS / 1000),
  });
  stream.cancel();
  client.close();
}

async function measureWatchers({ address }: Gateway, client: AdministrationClient, count: number): Promise<void> {
  const watchers = Array.from({ length: 4 }, () => new GrpcRouteLookup({ addresses: [address] }));
  const waits: number[] = [];
  try {
    for (let i = 0; i < 200; i++) {
      const start = performance.now();
      const route = {
        receivingDomain: `watched${i % 10}.example`,
        destinations: [`h${i}.example`],
        authProfile: undefined,
      };
      const set = {
        item: { item: { $case: 'route', value: route } as const },
        expectation: 0,
        before: undefined,
      } as const;
      const operations = [{ operation: { $case: 'set', value: set } as const }];
      const { version } = await client.commit({
        id: '',
        expectedVersion: undefined,
        operations,
        author: 'load',
        reason: '',
        confirmDiscardAll: false,
      });
      while (watchers.some((watcher) => watcher.version < version))
        await new Promise((resolve) => setImmediate(resolve));
      waits.push(performance.now() - start);
    }
  } finally {
    for (const watcher of watchers) watcher.close();
  }
  waits.sort((a, b) => a - b);
  report('commit until four watchers have it', { entries: count, p50Ms: waits[100]!, p99Ms: waits[198]! });
}

/** Postfix's own lookups in a file of the same keys, asked by one process that stays. */
function measurePostmap(count: number): void {
  if (spawnSync('postmap', ['-V'], { stdio: 'ignore' }).error !== undefined) {
    report('postmap -q', { entries: count, skipped: 'Postfix is not installed' });
    return;
  }
  const folder = mkdtempSync(join(tmpdir(), 'mailyard-postmap-'));
  try {
    const keys = keysOf(count);
    const file = join(folder, 'transport');
    writeFileSync(file, keys.map((key, i) => `${key} smtp:[relay${i % 50}.example.net]\n`).join(''));
    const built = spawnSync('postmap', [`hash:${file}`], { stdio: 'inherit' });
    if (built.status !== 0) return;
    // What Postfix asks of a transport table for one recipient domain: itself, then each suffix with a dot.
    const questions = questionsOf(keys, 100_000);
    const asked = questions.flatMap((domain) => {
      const labels = domain.split('.');
      return [domain, ...labels.slice(1).map((_, i) => `.${labels.slice(i + 1).join('.')}`)];
    });
    const before = performance.now();
    spawnSync('sh', ['-c', `postmap -q - "hash:${file}" > /dev/null`], { input: `${asked.join('\n')}\n` });
    report('postmap -q', {
      entries: count,
      lookupsASecond: questions.length / ((performance.now() - before) / 1000),
      probesALookup: asked.length / questions.length,
    });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

const sizes = process.argv.slice(2).map(Number);
for (const count of sizes.length > 0 ? sizes : [10_000, 40_000, 1_000_000]) measureInProcess(count);
for (const count of (sizes.length > 0 ? sizes : [10_000, 40_000]).filter((size) => size <= 100_000)) {
  await measureOverGrpc(count);
  measurePostmap(count);
}
