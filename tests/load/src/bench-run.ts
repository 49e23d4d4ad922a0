/** One system, started on an empty queue for one workload, and bursts of mail through it that are measured. */
import { chmod, mkdir, mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Injection } from './injector.ts';
import { MeasuredGroup } from './measured-group.ts';
import { processorTime } from './processor-time.ts';
import { Sinks } from './sinks.ts';
import { type Burst, type Source, startInjector, startSource } from './source.ts';
import type { MailSystem, RunningSystem, StaticRoute } from './systems/system.ts';
import { domainOf, type Workload } from './workloads.ts';

const POLL_MS = 20;
const BURST_WITHIN_MS = 300_000;
/** The system is quiet when it used less than this share of a core for {@link QUIET_MS}. */
const QUIET_SHARE = 0.04;
const QUIET_MS = 400;
const QUIET_WITHIN_MS = 6_000;

/** What one burst cost. CPU runs until the system is quiet again, so that nobody gains by putting work off. */
export interface BurstFigures {
  readonly messages: number;
  /** To the last 250 in mode `hold`, to the last delivery in mode `relay`. */
  readonly wallSeconds: number;
  readonly acceptSeconds: number;
  readonly cpuSeconds: number;
  readonly messagesASecond: number;
  readonly messagesACpuSecond: number;
  readonly transactionsAMessage: number;
  readonly connectionsAMessage: number;
  /** Requests that Kafka answered, by kind; empty where there is none. */
  readonly logRequestsAMessage: Readonly<Record<string, number>>;
  /** Most private memory of the system so far, in MB (10^6). */
  readonly peakMegabytes: number;
  readonly peakResidentMegabytes: number;
  /** Share of the machine's CPU that went to neither the system nor load generator, sinks and harness. */
  readonly foreignShare: number;
}

/** What a run is made of. */
export interface RunPlan {
  readonly workload: Workload;
  readonly sizeOctets: number;
  readonly sessions: number;
  /** On the disk whose syncs are to be measured. */
  readonly folder: string;
  /** How many sinks there are; one for each domain. */
  readonly sinks?: number;
  /** Other destinations than one sink a domain: by the sinks' ports. */
  readonly routes?: (ports: readonly number[]) => readonly StaticRoute[];
  /** The sinks stay down until {@link BenchRun.sinks} are started. */
  readonly hostsDown?: boolean;
  readonly environment?: Readonly<Record<string, string>>;
}

/** CPU seconds: of the system; of the whole machine, and of what on it is neither the system nor its load. */
export interface Usage {
  readonly cpuSeconds: number;
  readonly foreign: number;
  readonly all: number;
}

export class BenchRun {
  readonly system: MailSystem;
  readonly group: MeasuredGroup;
  readonly sinks: Sinks;
  readonly running: RunningSystem;
  readonly folder: string;
  /** Below the folder: where the system keeps all that it writes. */
  readonly systemFolder: string;
  readonly #plan: RunPlan;
  readonly #outside: MeasuredGroup;
  #peak = { anonymousOctets: 0, residentOctets: 0 };

  private constructor(
    system: MailSystem,
    plan: RunPlan,
    parts: { group: MeasuredGroup; outside: MeasuredGroup; sinks: Sinks; running: RunningSystem; folder: string },
  ) {
    this.system = system;
    this.#plan = plan;
    this.group = parts.group;
    this.#outside = parts.outside;
    this.sinks = parts.sinks;
    this.running = parts.running;
    this.folder = parts.folder;
    this.systemFolder = systemFolderOf(parts.folder);
  }

  static async start(system: MailSystem, plan: RunPlan): Promise<BenchRun> {
    await mkdir(plan.folder, { recursive: true });
    const folder = await mkdtemp(join(plan.folder, `${system.name}-`));
    // Postfix's processes and the sinks run as other users, who must be able to pass through.
    await chmod(folder, 0o755);
    const own = systemFolderOf(folder);
    await mkdir(own);
    const group = new MeasuredGroup(system.name);
    const outside = new MeasuredGroup(`${system.name}-outside`);
    const sinks = await Sinks.reserve(plan.sinks ?? plan.workload.domains, folder, outside);
    const routes =
      plan.routes?.(sinks.ports) ??
      sinks.ports.map((port, index) => ({ domain: domainOf(index), destinations: [`127.0.0.1:${port}`] }));
    try {
      if (plan.hostsDown !== true) await sinks.start();
      const { environment } = plan;
      const running = await system.start({
        folder: own,
        group,
        routes,
        mode: plan.workload.mode,
        ...(environment === undefined ? {} : { environment }),
      });
      return new BenchRun(system, plan, { group, outside, sinks, running, folder });
    } catch (error) {
      await sinks.stop();
      await Promise.all([group.end(), outside.end()]);
      await rm(folder, { recursive: true, force: true });
      throw error;
    }
  }

  /** Sends so many messages and waits until all are where the workload wants them. */
  async burst(messages: number): Promise<BurstFigures> {
    const { workload, sizeOctets, sessions } = this.#plan;
    const expected = workload.mode === 'hold' ? 0 : messages * workload.domains;
    const requestsBefore = await this.running.logRequests?.();
    const before = this.sinks.count();
    const usage = this.usage();
    const began = performance.now();
    const source = startSource(this.running.port, { workload, sizeOctets, sessions, messages }, this.#outside);
    let acceptedAt = Number.NaN;
    let seen = 0;
    let lastAt = began;
    while (Number.isNaN(acceptedAt) || seen < expected) {
      await sleep(POLL_MS);
      const now = performance.now();
      const transactions = this.sinks.count().transactions - before.transactions;
      if (transactions !== seen) [seen, lastAt] = [transactions, now];
      if (source.ended && Number.isNaN(acceptedAt)) {
        await source.done();
        acceptedAt = now;
      }
      if (now - began > BURST_WITHIN_MS)
        throw new Error(`${this.system.name}: ${seen} of ${expected} transactions in ${BURST_WITHIN_MS} ms`);
      this.#sample();
    }
    const wallSeconds = ((expected === 0 ? acceptedAt : lastAt) - began) / 1000;
    await this.quiet();
    const { cpuSeconds, foreignShare } = this.usageSince(usage);
    const after = this.sinks.count();
    const requests = [...((await this.running.logRequests?.()) ?? [])];
    return {
      messages,
      wallSeconds,
      acceptSeconds: (acceptedAt - began) / 1000,
      cpuSeconds,
      messagesASecond: messages / wallSeconds,
      messagesACpuSecond: messages / cpuSeconds,
      transactionsAMessage: (after.transactions - before.transactions) / messages,
      connectionsAMessage: (after.connections - before.connections) / messages,
      logRequestsAMessage: Object.fromEntries(
        requests.map(([kind, count]) => [kind, (count - (requestsBefore?.get(kind) ?? 0)) / messages]),
      ),
      peakMegabytes: this.#peak.anonymousOctets / 1e6,
      peakResidentMegabytes: this.#peak.residentOctets / 1e6,
      foreignShare,
    };
  }

  /** Sends mail beside what else goes on. */
  send(burst: Omit<Burst, 'sessions' | 'sizeOctets' | 'workload'>): Source {
    const { workload, sizeOctets, sessions } = this.#plan;
    return startSource(this.running.port, { workload, sizeOctets, sessions, ...burst }, this.#outside);
  }

  /** Sends mail in a way that only the project's own injector knows. */
  inject(injection: Omit<Injection, 'port' | 'sizeOctets'>): Source {
    const { sizeOctets } = this.#plan;
    return startInjector({ port: this.running.port, sizeOctets, ...injection }, this.#outside);
  }

  /** CPU so far, to be given to {@link usageSince}. */
  usage(): Usage {
    return { cpuSeconds: this.group.cpuSeconds(), ...this.#others() };
  }

  usageSince(before: Usage): { readonly cpuSeconds: number; readonly foreignShare: number } {
    const now = this.usage();
    return {
      cpuSeconds: now.cpuSeconds - before.cpuSeconds,
      foreignShare: Math.max(0, (now.foreign - before.foreign) / (now.all - before.all)),
    };
  }

  /** Waits until the system has nothing more to do, some seconds at most (longer where said). */
  async quiet(withinMs = QUIET_WITHIN_MS): Promise<void> {
    const until = performance.now() + withinMs;
    for (let before = this.group.cpuSeconds(); ; ) {
      await sleep(QUIET_MS);
      this.#sample();
      const now = this.group.cpuSeconds();
      if (now - before < (QUIET_SHARE * QUIET_MS) / 1000 || performance.now() > until) return;
      before = now;
    }
  }

  async stop(): Promise<void> {
    await this.running.stop();
    await this.sinks.stop();
    await Promise.all([this.group.end(), this.#outside.end()]);
    await rm(this.folder, { recursive: true, force: true });
  }

  #sample(): void {
    const { anonymousOctets, residentOctets } = this.group.memory();
    this.#peak = {
      anonymousOctets: Math.max(this.#peak.anonymousOctets, anonymousOctets),
      residentOctets: Math.max(this.#peak.residentOctets, residentOctets),
    };
  }

  #others(): { foreign: number; all: number } {
    const { busy, all } = processorTime();
    const { user, system } = process.cpuUsage();
    const ours = this.group.cpuSeconds() + this.#outside.cpuSeconds() + (user + system) / 1e6;
    return { foreign: busy - ours, all };
  }
}

const systemFolderOf = (folder: string): string => join(folder, 'system');
