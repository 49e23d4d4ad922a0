/** All owners of partitions as one: those in this process, and others that are asked over gRPC. */
import type {
  DestinationListing,
  DestinationQuery,
  KnownHost,
  MailScope,
  OperatorEnding,
  QueueDestination,
  QueueMessage,
  QueueMessageDetail,
  QueueOwner,
  QueueRecipient,
  QueueScope,
  QueueSummary,
  WaitingCensus,
} from '@mailyard/delivery-rules';
import type { AddressLiteral, Domain } from '@mailyard/mail';
import type { MessageId } from '@mailyard/queue';
import { Pace } from '@mailyard/telemetry';

/** An owner and what it is called in answers and page tokens. */
export interface NamedOwner {
  readonly name: string;
  readonly owner: QueueOwner;
}

/** Finds the owners of other processes; those that are named here answer or are told as silent. */
export type OwnerDirectory = () => Promise<readonly NamedOwner[]>;

/** What owners said, and who of them did not answer. */
export interface Answered<T> {
  readonly answers: readonly T[];
  readonly silentOwners: readonly string[];
}

export interface DestinationPage {
  readonly destinations: readonly QueueDestination[];
  /** Of all pages. */
  readonly count: number;
  readonly silentOwners: readonly string[];
}

export interface CountedRecipients {
  readonly recipients: number;
  readonly silentOwners: readonly string[];
}

/** What became of recipients that an operator ends, in one part of the work. */
export interface EndedPart extends CountedRecipients {
  readonly leftAlone: number;
  /** Where to go on; '' when all was gone through. */
  readonly nextPageToken: string;
}

/** A message that waits, and who owns it. */
export interface OwnedMessage {
  readonly owner: QueueOwner;
  readonly detail: QueueMessageDetail;
}

export interface OldestMessages {
  readonly messages: readonly QueueMessage[];
  readonly silentOwners: readonly string[];
}

/** For how long one part of ending recipients begins with another owner. */
const ENDING_MS = 1_000;

const NO_OWNERS: OwnerDirectory = () => Promise.resolve([]);

export class QueueOwners {
  readonly #local: readonly NamedOwner[];
  readonly #remote: OwnerDirectory;

  constructor(local: readonly QueueOwner[], remote: OwnerDirectory = NO_OWNERS) {
    this.#local = local.map((owner, number) => ({ name: `local-${number}`, owner }));
    this.#remote = remote;
  }

  async summary(local: boolean): Promise<QueueSummary & { readonly silentOwners: readonly string[] }> {
    const { answers, silentOwners } = await this.#ask(local, (owner) => owner.status());
    return {
      partitions: answers.flatMap(({ partitions }) => partitions).sort((a, b) => a - b),
      waiting: answers.reduce((sum, { waiting }) => sum + waiting, 0),
      // Owners have destinations in common: the sum would be too much, the largest one is what is certain.
      destinationCount: answers.reduce((most, { destinationCount }) => Math.max(most, destinationCount), 0),
      outcomeUnknown: answers.reduce((sum, { outcomeUnknown }) => sum + outcomeUnknown, 0),
      silentOwners,
    };
  }

  /**
   * Each destination once, most waiting recipients first: those from `offset` on.
   *
   * One owner gives what is asked for and counts the rest; of several all is read, since their figures of a destination
   * add up.
   *
   * @param search only those with this text in their name or that of a domain; how many there are is not counted on
   */
  async destinations(local: boolean, limit: number, offset = 0, search = ''): Promise<DestinationPage> {
    if ((await this.#owners(local)).length === 1) {
      const { answers, silentOwners } = await this.#ask(local, async (owner) => ({
        destinations: await owner.destinations(limit, offset, search),
        count: search === '' ? (await owner.status()).destinationCount : 0,
      }));
      const { destinations, count } = answers[0] ?? { destinations: [], count: 0 };
      return { destinations, count: Math.max(count, offset + destinations.length), silentOwners };
    }
    const { answers, silentOwners } = await this.#ask(local, (owner) => owner.destinations(Infinity, 0, search));
    const merged = new Map<string, QueueDestination>();
    for (const destination of answers.flat()) {
      const known = merged.get(destination.destination);
      merged.set(destination.destination, known === undefined ? destination : merge(known, destination));
    }
    const destinations = [...merged.values()].sort(
      (a, b) => b.waiting - a.waiting || (a.destination < b.destination ? -1 : 1),
    );
    return { destinations: destinations.slice(offset, offset + limit), count: destinations.length, silentOwners };
  }

  /**
   * One page in any order. Undefined where that takes all destinations of several owners, whose figures add up, or of
   * one elsewhere.
   */
  async list(query: DestinationQuery): Promise<DestinationListing | undefined> {
    return (await this.#only())?.list?.(query);
  }

  /** What there is of one destination; none where the only owner is in this process and has nothing there. */
  async find(destination: string): Promise<QueueDestination | 'none' | undefined> {
    const found = (await this.#only())?.find?.(destination);
    return found === undefined ? undefined : ((await found) ?? 'none');
  }

  async #only(): Promise<QueueOwner | undefined> {
    const owners = await this.#owners(false);
    return owners.length === 1 ? owners[0]!.owner : undefined;
  }

  /**
   * Waiting recipients, owner by owner.
   *
   * @param token of the page before, or ''. An owner that is gone since then is passed over
   */
  async waiting(
    local: boolean,
    scope: MailScope,
    limit: number,
    token: string,
  ): Promise<{
    readonly recipients: readonly QueueRecipient[];
    readonly nextPageToken: string;
    readonly silentOwners: readonly string[];
  }> {
    const owners = await this.#owners(local);
    const from = readToken(token);
    const recipients: QueueRecipient[] = [];
    const silentOwners: string[] = [];
    for (const { name, owner } of owners) {
      if (name < from.name) continue;
      let after = name === from.name ? from.after : undefined;
      try {
        do {
          if (recipients.length >= limit) return { recipients, silentOwners, nextPageToken: `${name} ${after ?? ''}` };
          const page = await owner.waiting(scope, limit - recipients.length, after);
          recipients.push(...page.recipients);
          after = page.next;
        } while (after !== undefined);
      } catch {
        silentOwners.push(name);
      }
    }
    return { recipients, silentOwners, nextPageToken: '' };
  }

  /** Finds a message that waits. @param copy only where this one waits */
  async message(
    local: boolean,
    message: MessageId,
    copy?: number,
  ): Promise<{ readonly found: OwnedMessage | undefined; readonly silentOwners: readonly string[] }> {
    const { answers, silentOwners } = await this.#ask(local, async (owner) => ({
      owner,
      detail: await owner.message(message, copy),
    }));
    const found = answers.find((answer): answer is OwnedMessage => answer.detail !== undefined);
    return { found, silentOwners };
  }

  /** The messages that have waited longest, the oldest first. Ids tell who is older (R212). */
  async oldest(local: boolean, scope: QueueScope, limit: number): Promise<OldestMessages> {
    const { answers, silentOwners } = await this.#ask(local, (owner) => owner.oldest(scope, limit));
    const messages = answers.flat().sort((a, b) => (a.message < b.message ? -1 : 1));
    return { messages: messages.slice(0, limit), silentOwners };
  }

  /** How many recipients wait in a scope. */
  count(local: boolean, scope: QueueScope): Promise<CountedRecipients> {
    return this.#sum(local, (owner) => owner.count(scope));
  }

  retryNow(local: boolean, scope: QueueScope): Promise<CountedRecipients> {
    return this.#sum(local, (owner) => owner.retryNow(scope));
  }

  /**
   * Ends recipients of a scope, or counts them: one part of the work, owner by owner. An owner that does not answer to
   * the end is named, and passed over from then on.
   *
   * @param ending undefined: counts
   * @param token of the part before, or ''
   */
  async end(local: boolean, scope: MailScope, ending: OperatorEnding | undefined, token: string): Promise<EndedPart> {
    const owners = await this.#owners(local);
    const from = readToken(token);
    const until = performance.now() + ENDING_MS;
    let recipients = 0;
    let leftAlone = 0;
    const silentOwners = from.after === undefined || owners.some(({ name }) => name === from.name) ? [] : [from.name];
    for (const { name, owner } of owners) {
      if (name < from.name) continue;
      let after = name === from.name ? from.after : undefined;
      try {
        do {
          if (performance.now() >= until)
            return { recipients, leftAlone, silentOwners, nextPageToken: `${name} ${after ?? ''}` };
          const part = await owner.end(scope, ending, after);
          recipients += part.recipients;
          leftAlone += part.leftAlone;
          after = part.next;
          if (part.problem !== undefined) silentOwners.push(name);
        } while (after !== undefined);
      } catch {
        silentOwners.push(name);
      }
    }
    return { recipients, leftAlone, silentOwners, nextPageToken: '' };
  }

  async #sum(local: boolean, question: (owner: QueueOwner) => number | Promise<number>): Promise<CountedRecipients> {
    const { answers, silentOwners } = await this.#ask(local, question);
    return { recipients: answers.reduce((sum, count) => sum + count, 0), silentOwners };
  }

  /** What all owners hold together. The version is the oldest that one of them goes by, 0 without any. */
  async census(
    local: boolean,
    figuresOnly: boolean,
  ): Promise<WaitingCensus & { readonly silentOwners: readonly string[] }> {
    const { answers, silentOwners } = await this.#ask(local, (owner) => owner.census(figuresOnly));
    const [only] = answers;
    if (only !== undefined && answers.length === 1) return { ...only, silentOwners };
    const waiting = new Map<AddressLiteral | Domain, number>();
    const pace = new Pace();
    const blocked = new Set<string>();
    const hosts = new Map<string, KnownHost>();
    for (const answer of answers) {
      for (const [domain, recipients] of answer.waiting) {
        if (pace.isOver) await pace.rest();
        waiting.set(domain, (waiting.get(domain) ?? 0) + recipients);
      }
      for (const key of answer.blocked) blocked.add(key);
      for (const host of answer.hosts) if (hosts.get(host.key)?.state !== 'up') hosts.set(host.key, host);
    }
    return {
      version: answers.length === 0 ? 0 : Math.min(...answers.map(({ version }) => version)),
      moving: answers.reduce((sum, { moving }) => sum + moving, 0),
      waiting: [...waiting],
      blocked: [...blocked],
      hosts: [...hosts.values()],
      silentOwners,
    };
  }

  async #owners(local: boolean): Promise<readonly NamedOwner[]> {
    if (local) return this.#local;
    const all = [...this.#local, ...(await this.#remote())];
    return all.sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  /** A silent owner leaves its figures out; it must not keep the others from being shown. */
  async #ask<T>(local: boolean, question: (owner: QueueOwner) => T | Promise<T>): Promise<Answered<T>> {
    const owners = await this.#owners(local);
    const settled = await Promise.allSettled(owners.map(async ({ owner }) => question(owner)));
    const answers: T[] = [];
    const silentOwners: string[] = [];
    for (const [number, result] of settled.entries()) {
      if (result.status === 'fulfilled') answers.push(result.value);
      else silentOwners.push(owners[number]!.name);
    }
    return { answers, silentOwners };
  }
}

const DOMAINS_SHOWN = 20;

function merge(a: QueueDestination, b: QueueDestination): QueueDestination {
  const domains = [...new Set([...a.domains, ...b.domains])];
  const hosts = new Map([...a.hosts, ...b.hosts].map((host) => [host.host, host]));
  return {
    destination: a.destination,
    domains: domains.slice(0, DOMAINS_SHOWN),
    // Owners have domains in common: the sum would be too much, the larger one is what is certain.
    domainCount: Math.max(a.domainCount, b.domainCount, domains.length),
    waiting: a.waiting + b.waiting,
    underway: a.underway + b.underway,
    connections: a.connections + b.connections,
    ...maxConnectionsOf(a.maxConnections ?? b.maxConnections),
    delivered: a.delivered + b.delivered,
    softBounced: a.softBounced + b.softBounced,
    hardBounced: a.hardBounced + b.hardBounced,
    state: a.state === 'up' || b.state === 'up' ? 'up' : a.state === 'down' || b.state === 'down' ? 'down' : 'unknown',
    hosts: [...hosts.values()],
    nextAttemptAt: earlier(a.nextAttemptAt, b.nextAttemptAt),
    oldestAt: earlier(a.oldestAt, b.oldestAt),
    lastReply: a.lastReply ?? b.lastReply,
  };
}

function maxConnectionsOf(most: number | undefined): Pick<QueueDestination, 'maxConnections'> {
  return most === undefined ? {} : { maxConnections: most };
}

function earlier(a: number | undefined, b: number | undefined): number | undefined {
  if (a === undefined || b === undefined) return a ?? b;
  return Math.min(a, b);
}

function readToken(token: string): { readonly name: string; readonly after: string | undefined } {
  const space = token.indexOf(' ');
  if (space < 0) return { name: '', after: undefined };
  const after = token.slice(space + 1);
  return { name: token.slice(0, space), after: after === '' ? undefined : after };
}

/** The partitions that none of the owners holds: nobody delivers their mail now. */
export function unownedPartitions(owned: readonly number[], partitionCount: number): number[] {
  const held = new Set(owned);
  return Array.from({ length: partitionCount }, (_, number) => number).filter((number) => !held.has(number));
}
