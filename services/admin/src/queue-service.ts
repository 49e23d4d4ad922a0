import { status } from '@grpc/grpc-js';
import { QueueServiceService, type QueueServiceServer } from '@mailyard/contracts/queue';
import type { QueueScope } from '@mailyard/delivery-rules';
import { CallRefusal, type GrpcServer } from '@mailyard/grpc';
import { demandDomain, demandMessage, readEnding, readMailScope } from './ending-wire.ts';
import { MessageDesk } from './message-desk.ts';
import { NO_MESSAGE, writeDetail, writeMessage } from './message-wire.ts';
import { type QueueOwners, unownedPartitions } from './queue-owners.ts';
import { writeCensus, writeDestination, writeLedger, writeRecipient } from './queue-wire.ts';
import type { Tracker } from './tracking/tracker.ts';

export const QUEUE_SERVICE = 'mailyard.queue.v1.QueueService';

const DESTINATIONS_SHOWN = 20;
const MOST_DESTINATIONS = 1_000;
const PAGE_SIZE = 100;
const MOST_PER_PAGE = 1_000;

export interface QueueServiceOptions {
  readonly owners: QueueOwners;
  /** How many partitions there are, so that those without an owner are told. */
  readonly partitionCount: number;
  /** Absent in a process without the role admin: its answers have no ledger. */
  readonly tracker?: Tracker;
  /** Told of who reads content. */
  readonly audit?: (what: string, detail: Readonly<Record<string, unknown>>) => void;
}

/** Registers QueueService: the queues of this process, and in one with the role admin of all others. */
export function addQueueService(server: GrpcServer, options: QueueServiceOptions): void {
  const { owners, partitionCount, tracker, audit } = options;
  const { methods } = server;
  const desk = new MessageDesk(owners, tracker);
  const implementation: QueueServiceServer = {
    status: methods.unary('reader', async ({ destinations: wanted, local }) => {
      // The owners are asked first: what they say is then in the ledger too.
      const { silentOwners, ...summary } = await owners.summary(local);
      const shown = Math.min(wanted === 0 ? DESTINATIONS_SHOWN : wanted, MOST_DESTINATIONS);
      const { destinations, count } = await owners.destinations(local, shown);
      const ledger = local ? undefined : await ledgerOf(tracker);
      return {
        ...(ledger === undefined ? {} : { ledger }),
        waiting: summary.waiting,
        outcomeUnknown: summary.outcomeUnknown,
        partitions: [...summary.partitions],
        destinations: destinations.map(writeDestination),
        destinationCount: count,
        silentOwners: [...silentOwners],
        unownedPartitions: unownedPartitions(summary.partitions, partitionCount),
      };
    }),

    listDestinations: methods.unary('reader', async ({ pageSize, pageToken, search, local }) => {
      const start = readNumber(pageToken);
      const limit = pageSize === 0 ? PAGE_SIZE : Math.min(pageSize, MOST_PER_PAGE);
      const { destinations, count, silentOwners } = await owners.destinations(local, limit, start, search);
      const end = start + destinations.length;
      return {
        destinations: destinations.map(writeDestination),
        nextPageToken: destinations.length > 0 && end < count ? String(end) : '',
        silentOwners: [...silentOwners],
      };
    }),

    listRecipients: methods.unary('reader', async (request) => {
      const { domain, destination, scope, pageSize, pageToken, local } = request;
      const limit = pageSize === 0 ? PAGE_SIZE : Math.min(pageSize, MOST_PER_PAGE);
      const { recipients, nextPageToken, silentOwners } = await owners.waiting(
        local,
        scope === undefined ? readScope(domain, destination) : readMailScope(scope),
        limit,
        pageToken,
      );
      return { recipients: recipients.map(writeRecipient), nextPageToken, silentOwners: [...silentOwners] };
    }),

    countRecipients: methods.unary('reader', async ({ domain, destination, local }) => {
      const { recipients, silentOwners } = await owners.count(local, readScope(domain, destination));
      return { recipients, silentOwners: [...silentOwners] };
    }),

    census: methods.streaming('reader', async function* census({ local, figuresOnly }) {
      yield* writeCensus(await owners.census(local, figuresOnly));
    }),

    retry: methods.unary('operator', async ({ domain, destination, local }) => {
      const { recipients, silentOwners } = await owners.retryNow(local, readScope(domain, destination));
      return { recipients, silentOwners: [...silentOwners] };
    }),

    getMessage: methods.unary('reader', async ({ id, local }) => {
      const named = demandMessage(id);
      if (local) {
        const { found } = await owners.message(true, named.message, named.copy);
        return found === undefined ? NO_MESSAGE : writeDetail(found.detail, new Map(), []);
      }
      const { detail, tries, hasTries } = await desk.show(false, named);
      return writeDetail(
        detail,
        tries,
        hasTries ? [] : ['the tracker is away: what came of the last tries is not known now'],
      );
    }),

    readContent: methods.streaming('operator', async function* readContent({ id, headerOnly, local }, { caller }) {
      const part = headerOnly ? 'header' : 'whole';
      const { mid, octets } = await desk.read(local, demandMessage(id), part);
      if (!local) audit?.('CONTENT_READ', { user: caller.name, mid, part });
      for await (const piece of octets) yield { octets: Buffer.from(piece) };
    }),

    listOldest: methods.unary('reader', async ({ domain, destination, limit, local }) => {
      const most = limit === 0 ? 1 : Math.min(limit, MOST_PER_PAGE);
      const { messages, silentOwners } = await desk.oldest(local, readScope(domain, destination), most);
      return { messages: messages.map(writeMessage), silentOwners: [...silentOwners] };
    }),

    endRecipients: methods.unary('operator', async (request, { caller }) => {
      const { local, pageToken } = request;
      const scope = readMailScope(request.scope);
      const ending = readEnding(request, caller);
      const { silentOwners, ...part } = await owners.end(local, scope, ending, pageToken);
      const isLast = !local && part.nextPageToken === '';
      const covered = isLast ? (await owners.summary(false)).partitions : [];
      return {
        ...part,
        silentOwners: [...silentOwners],
        unownedPartitions: isLast ? unownedPartitions(covered, partitionCount) : [],
      };
    }),
  };
  server.add(QUEUE_SERVICE, QueueServiceService, implementation);
  server.setServing(QUEUE_SERVICE, true);
}

/** A read model that is away leaves the ledger out; what waits is still told. */
async function ledgerOf(tracker: Tracker | undefined): Promise<ReturnType<typeof writeLedger> | undefined> {
  if (tracker === undefined || tracker.problem !== undefined) return undefined;
  await tracker.catchUp();
  return writeLedger((await tracker.ask({ kind: 'ledger' })).sums);
}

function readScope(domain: string | undefined, destination: string | undefined): QueueScope {
  if (domain !== undefined && destination !== undefined)
    throw new CallRefusal(status.INVALID_ARGUMENT, 'a domain or a destination, not both', { reason: 'SCOPE_INVALID' });
  if (domain !== undefined) return { kind: 'domain', domain: demandDomain(domain) };
  return destination === undefined ? { kind: 'all' } : { kind: 'destination', destination };
}

function readNumber(token: string): number {
  return /^\d{1,9}$/.test(token) ? Number(token) : 0;
}
