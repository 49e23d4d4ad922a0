/**
 * Which hosts answer (R75 to R77). A host that failed is left alone, then probed by one connection; the wait doubles
 * from 60 s to an hour. Shared by all mail of a worker, and between workers through a {@link HostBoard}.
 */
import type { Reply } from '@mailyard/mail';
import type { HostReport } from './ports.ts';
import { retryWaitMs } from './retry-schedule.ts';

const HOST_WAITS = { initialWaitMs: 60_000, maxWaitMs: 3_600_000 };
/** A probe that has said nothing for this long no longer keeps others from trying. */
const PROBE_LIMIT_MS = 600_000;
/** A host that has not answered a connection for this long gets no further ones until it has. */
const SILENCE_MS = 1_000;
/** How long the state of a host that nobody asks for is kept. */
const MEMORY_MS = 86_400_000;

export interface HostHealth {
  readonly state: 'up' | 'down' | 'unknown';
  /** Down: not to be tried before. */
  readonly downUntil: number;
  readonly failures: number;
  readonly lastReply: Reply | undefined;
}

interface Entry {
  state: 'up' | 'down';
  downUntil: number;
  failures: number;
  probeSince: number | undefined;
  lastReply: Reply | undefined;
  touchedAt: number;
}

const UNKNOWN: HostHealth = { state: 'unknown', downUntil: 0, failures: 0, lastReply: undefined };

/** `yes`: up or never tried; `probe`: down, and this caller is the one that may look; otherwise when to ask again. */
export type MayTry = { readonly kind: 'yes' | 'probe' } | { readonly kind: 'no'; readonly until: number };

const YES: MayTry = { kind: 'yes' };
const PROBE: MayTry = { kind: 'probe' };

export class HostStates {
  readonly #hosts = new Map<string, Entry>();
  /** Connections being opened: how many, and since when the first of them. */
  readonly #opening = new Map<string, { count: number; readonly since: number }>();

  of(host: string): HostHealth {
    return this.#hosts.get(host) ?? UNKNOWN;
  }

  /** The hosts that something is known of, by key. */
  known(): Iterable<readonly [host: string, HostHealth]> {
    return this.#hosts;
  }

  /** Whether a connection may be tried now. `probe` is given to one caller until {@link failed} or {@link worked}. */
  mayTry(host: string, now: number): MayTry {
    const opening = this.#opening.get(host);
    if (opening !== undefined && now - opening.since >= SILENCE_MS) return { kind: 'no', until: now + SILENCE_MS };
    const entry = this.#hosts.get(host);
    if (entry === undefined || entry.state === 'up') return YES;
    if (entry.downUntil > now) return { kind: 'no', until: entry.downUntil };
    if (entry.probeSince !== undefined && now - entry.probeSince < PROBE_LIMIT_MS)
      return { kind: 'no', until: now + 1_000 };
    entry.probeSince = now;
    return PROBE;
  }

  /** A connection is being opened, until {@link ended}: a silent host must not hold more than the first ones. */
  began(host: string, now: number): void {
    const opening = this.#opening.get(host);
    if (opening === undefined) this.#opening.set(host, { count: 1, since: now });
    else opening.count += 1;
  }

  ended(host: string): void {
    const opening = this.#opening.get(host);
    if (opening === undefined) return;
    opening.count -= 1;
    if (opening.count === 0) this.#opening.delete(host);
  }

  /** The probe was not made after all: another may. */
  released(host: string): void {
    const entry = this.#hosts.get(host);
    if (entry !== undefined) entry.probeSince = undefined;
  }

  /** A connection failed. Returns what other workers should know; nothing when the host was down already. */
  failed(host: string, reply: Reply, now: number): HostReport | undefined {
    const entry = this.#entry(host, now);
    entry.lastReply = reply;
    // Connections that were opened together fail together: that is one failure.
    if (entry.state === 'down' && entry.downUntil > now) return undefined;
    entry.state = 'down';
    entry.failures += 1;
    entry.probeSince = undefined;
    entry.downUntil = now + retryWaitMs(HOST_WAITS, entry.failures);
    return { state: 'down', downUntil: entry.downUntil, failures: entry.failures };
  }

  /** A session went well. Tells whether the host was down until now. */
  worked(host: string, now: number): boolean {
    const entry = this.#entry(host, now);
    const wasDown = entry.state === 'down';
    entry.state = 'up';
    entry.failures = 0;
    entry.downUntil = 0;
    entry.probeSince = undefined;
    return wasDown;
  }

  /** What another worker found. Tells whether the host came back. */
  heard(host: string, report: HostReport, now: number): boolean {
    if (report.state === 'up') return this.#hosts.has(host) && this.worked(host, now);
    const entry = this.#entry(host, now);
    if (entry.state === 'down' && entry.downUntil >= report.downUntil) return false;
    entry.state = 'down';
    entry.failures = report.failures;
    entry.downUntil = report.downUntil;
    return false;
  }

  /** An operator wants it tried now (R210). */
  forget(host: string): void {
    this.#hosts.delete(host);
  }

  /** Forgets hosts that nobody has asked for in a day. */
  expire(now: number): void {
    for (const [host, { touchedAt }] of this.#hosts) if (now - touchedAt > MEMORY_MS) this.#hosts.delete(host);
  }

  #entry(host: string, now: number): Entry {
    let entry = this.#hosts.get(host);
    if (entry === undefined) {
      entry = { state: 'up', downUntil: 0, failures: 0, probeSince: undefined, lastReply: undefined, touchedAt: now };
      this.#hosts.set(host, entry);
    }
    entry.touchedAt = now;
    return entry;
  }
}
