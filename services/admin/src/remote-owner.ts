import type {
  ContentPart,
  EndedRecipients,
  MailScope,
  OperatorEnding,
  QueueDestination,
  QueueMessage,
  QueueMessageDetail,
  QueueOwner,
  QueueRecipientPage,
  QueueScope,
  QueueSummary,
  WaitingCensus,
} from '@mailyard/delivery-rules';
import { CallRefusal, type QueueClient } from '@mailyard/grpc';
import { MtaError } from '@mailyard/mail';
import { type MessageId, midOf } from '@mailyard/queue';
import { writeEnding, writeMailScope } from './ending-wire.ts';
import { readDetail, readMessage } from './message-wire.ts';
import { readCensus, readDestination, readRecipient } from './queue-wire.ts';

/** An owner of partitions in another process. Every method rejects with a `CallRefusal` when it does not answer. */
export class RemoteOwner implements QueueOwner {
  readonly #client: QueueClient;

  constructor(client: QueueClient) {
    this.#client = client;
  }

  async status(): Promise<QueueSummary> {
    const { partitions, waiting, destinationCount, outcomeUnknown } = await this.#client.status({
      destinations: 1,
      local: true,
    });
    return { partitions, waiting, destinationCount, outcomeUnknown };
  }

  async destinations(limit = Infinity, offset = 0, search = ''): Promise<readonly QueueDestination[]> {
    const all: QueueDestination[] = [];
    for (let pageToken = String(offset); ; ) {
      const pageSize = Math.min(1_000, limit - all.length);
      const page = await this.#client.listDestinations({ pageSize, pageToken, search, local: true });
      for (const destination of page.destinations) all.push(readDestination(destination));
      if (page.nextPageToken === '' || all.length >= limit) return all;
      pageToken = page.nextPageToken;
    }
  }

  async waiting(scope: MailScope, limit: number, after: string | undefined): Promise<QueueRecipientPage> {
    const { recipients, nextPageToken } = await this.#client.listRecipients({
      scope: writeMailScope(scope),
      pageSize: limit,
      pageToken: after ?? '',
      local: true,
    });
    return { recipients: recipients.map(readRecipient), next: nextPageToken === '' ? undefined : nextPageToken };
  }

  async message(message: MessageId, copy?: number): Promise<QueueMessageDetail | undefined> {
    const id = copy === undefined ? message : midOf(message, copy);
    return readDetail(await this.#client.getMessage({ id, local: true }));
  }

  async *content(message: MessageId, copy: number, part: ContentPart): AsyncGenerator<Uint8Array> {
    const request = { id: midOf(message, copy), headerOnly: part === 'header', local: true };
    try {
      for await (const { octets } of this.#client.readContent(request)) yield octets;
    } catch (error) {
      if (!(error instanceof CallRefusal)) throw error;
      const { reason } = error.details;
      if (reason === undefined) throw new MtaError('OWNER_AWAY', error.message, { cause: error });
      // Whoever asks is told the same as if the owner was in this process.
      throw new MtaError(reason, error.message, { cause: error });
    }
  }

  async oldest(scope: QueueScope, limit: number): Promise<readonly QueueMessage[]> {
    const { messages } = await this.#client.listOldest({ ...writeScope(scope), limit, local: true });
    return messages.map(readMessage);
  }

  async census(figuresOnly: boolean): Promise<WaitingCensus> {
    return readCensus(await this.#client.census({ figuresOnly, local: true }));
  }

  async count(scope: QueueScope): Promise<number> {
    const { recipients } = await this.#client.countRecipients({ ...writeScope(scope), local: true });
    return recipients;
  }

  async retryNow(scope: QueueScope): Promise<number> {
    const { recipients } = await this.#client.retry({ ...writeScope(scope), local: true });
    return recipients;
  }

  async end(scope: MailScope, ending: OperatorEnding | undefined, after: string | undefined): Promise<EndedRecipients> {
    const { recipients, leftAlone, nextPageToken, silentOwners } = await this.#client.endRecipients({
      scope: writeMailScope(scope),
      ...writeEnding(ending),
      pageToken: after ?? '',
      local: true,
    });
    return {
      recipients,
      leftAlone,
      next: nextPageToken === '' ? undefined : nextPageToken,
      ...(silentOwners.length === 0 ? {} : { problem: 'it did not come to the end' }),
    };
  }

  close(): void {
    this.#client.close();
  }
}

function writeScope(scope: QueueScope): { readonly domain?: string; readonly destination?: string } {
  if (scope.kind === 'domain') return { domain: scope.domain };
  return scope.kind === 'destination' ? { destination: scope.destination } : {};
}
