import type { CommitResult, ConfigurationLog, LoggedChangeSet } from '@mailyard/configuration';
import { MtaError } from '@mailyard/mail';
import type { Redis } from 'ioredis';
import { COMMIT, INITIALISE, WRITE_SNAPSHOT } from './configuration-scripts.ts';
import { ConfigurationWatch } from './configuration-watch.ts';
import { isRefusal, keyOf, RedisLink, type RedisLocation } from './redis-link.ts';
import { replicaCount, safetyComplaints } from './redis-safety.ts';

/** An entry of a stream: its id, and its fields and their values in turn. */
type Entry = readonly [Buffer, readonly Buffer[]];

const PAGE = 50;
/** How long replicas may take to bring a commit to their disks. */
const REPLICAS_WITHIN_MS = 5_000;
/** Longer than that, so that the wait ends by an answer. */
const COMMIT_TIMEOUT_MS = 8_000;

/** The configuration log as one stream of Redis; `configuration-scripts.ts` says how it is laid out. */
export class RedisConfigurationLog implements ConfigurationLog {
  readonly #reader: RedisLink;
  /** Of its own: WAITAOF speaks of the writes of its connection, and holds up what comes behind it. */
  readonly #writer: RedisLink;
  readonly #watch: ConfigurationWatch;
  readonly #stream: string;
  readonly #ids: string;
  readonly #snapshot: string;
  #commits: Promise<unknown> = Promise.resolve();

  constructor(location: RedisLocation) {
    this.#stream = keyOf(location, 'config');
    this.#ids = keyOf(location, 'config', 'ids');
    this.#snapshot = keyOf(location, 'config', 'snapshot');
    this.#reader = new RedisLink(location);
    this.#writer = new RedisLink(location, COMMIT_TIMEOUT_MS);
    this.#watch = new ConfigurationWatch(location, this.#stream);
  }

  /** What makes this Redis unsafe for a configuration log, each in a sentence. @throws MtaError `CONFIGURATION_AWAY` */
  async check(): Promise<string[]> {
    return await this.#ask(safetyComplaints);
  }

  async lineage(): Promise<string | undefined> {
    const entry = await this.#entry('0-1');
    return entry === undefined ? undefined : fieldsOf(entry).get('lineage')?.toString();
  }

  async initialise(lineage: string): Promise<void> {
    const written = await this.#write(async (client) => client.eval(INITIALISE, 1, this.#stream, lineage));
    if (written !== 1)
      throw new MtaError('CONFIGURATION_EXISTS', `the log belongs to lineage ${(await this.lineage()) ?? 'of nobody'}`);
  }

  async commit(changeSet: LoggedChangeSet): Promise<CommitResult> {
    const { version, id, lineage, payload } = changeSet;
    const [committed, newest] = (await this.#write(async (client) =>
      client.eval(COMMIT, 2, this.#stream, this.#ids, version, id, lineage, Buffer.from(payload)),
    )) as [number, number];
    return committed === 1 ? { kind: 'committed' } : { kind: 'conflict', version: newest };
  }

  async find(id: string): Promise<LoggedChangeSet | undefined> {
    const version = await this.#ask((client) => client.hget(this.#ids, id));
    if (version === null) return undefined;
    const entry = await this.#entry(`${version}-0`);
    const changeSet = entry === undefined ? undefined : changeSetOf(entry);
    return changeSet?.id === id ? changeSet : undefined;
  }

  async *read(fromVersion: number): AsyncGenerator<LoggedChangeSet> {
    let next = Math.max(1, fromVersion);
    for (;;) {
      const page = (await this.#ask((client) =>
        client.xrangeBuffer(this.#stream, `${next}-0`, '+', 'COUNT', PAGE),
      )) as unknown as Entry[];
      for (const entry of page) yield changeSetOf(entry);
      if (page.length < PAGE) return;
      next = Number.parseInt(page.at(-1)![0].toString(), 10) + 1;
    }
  }

  watch(listener: () => void): () => void {
    return this.#watch.add(listener);
  }

  async snapshot(): Promise<{ readonly version: number; readonly payload: Uint8Array } | undefined> {
    const [version, payload] = await this.#ask((client) => client.hmgetBuffer(this.#snapshot, 'version', 'state'));
    if (!version || !payload) return undefined;
    return { version: Number(version.toString()), payload };
  }

  async writeSnapshot(version: number, payload: Uint8Array): Promise<void> {
    await this.#ask((client) => client.eval(WRITE_SNAPSHOT, 1, this.#snapshot, version, Buffer.from(payload)));
  }

  async close(): Promise<void> {
    this.#watch.close();
    this.#reader.close();
    this.#writer.close();
  }

  async #entry(id: string): Promise<Entry | undefined> {
    const found = (await this.#ask((client) => client.xrangeBuffer(this.#stream, id, id))) as unknown as Entry[];
    return found[0];
  }

  /** A question, or a write that may be repeated. */
  async #ask<T>(ask: (client: Redis) => Promise<T>): Promise<T> {
    try {
      return await ask(await this.#reader.ready());
    } catch (error) {
      throw away(error);
    }
  }

  /** A write that must be known to be durable; one at a time. */
  #write(write: (client: Redis) => Promise<unknown>): Promise<unknown> {
    const done = this.#commits.then(() => this.#writeNow(write));
    this.#commits = done.catch(() => undefined);
    return done;
  }

  async #writeNow(write: (client: Redis) => Promise<unknown>): Promise<unknown> {
    let client: Redis;
    try {
      client = await this.#writer.ready();
    } catch (error) {
      throw away(error);
    }
    const connection = client.stream;
    let answer: unknown;
    try {
      answer = await write(client);
    } catch (error) {
      // The script refuses before it writes anything. Every other failure leaves open what happened.
      throw isRefusal(error) ? away(error) : uncertain(error);
    }
    try {
      await awaitReplicas(client);
    } catch (error) {
      throw uncertain(error);
    }
    if (client.stream !== connection)
      throw uncertain(new Error('the connection was lost before the replicas answered'));
    return answer;
  }
}

/** Where there are replicas, what the connection wrote must be in the append-only file of one of them, and in ours. */
async function awaitReplicas(client: Redis): Promise<void> {
  if ((await replicaCount(client)) === 0) return;
  const [local, replicas] = (await client.call('WAITAOF', 1, 1, REPLICAS_WITHIN_MS)) as [number, number];
  if (local < 1 || replicas < 1) throw new Error(`in the file of ${local} primaries and ${replicas} replicas`);
}

function changeSetOf([id, values]: Entry): LoggedChangeSet {
  const fields = fieldsOf([id, values]);
  return {
    version: Number.parseInt(id.toString(), 10),
    id: fields.get('id')?.toString() ?? '',
    lineage: fields.get('lineage')?.toString() ?? '',
    payload: fields.get('change') ?? new Uint8Array(),
  };
}

function fieldsOf([, values]: Entry): ReadonlyMap<string, Buffer> {
  const fields = new Map<string, Buffer>();
  for (let at = 0; at + 1 < values.length; at += 2) fields.set(values[at]!.toString(), values[at + 1]!);
  return fields;
}

function uncertain(cause: unknown): MtaError {
  const reason = messageOf(cause);
  return new MtaError('CONFIGURATION_UNCERTAIN', `it is not known whether the change was written: ${reason}`, {
    cause,
  });
}

function away(cause: unknown): MtaError {
  return new MtaError('CONFIGURATION_AWAY', `the configuration log does not answer: ${messageOf(cause)}`, { cause });
}

function messageOf(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause);
}
