import {
  type CensusRequest,
  type CensusResponse,
  type CountRecipientsRequest,
  type CountRecipientsResponse,
  type EndRecipientsRequest,
  type EndRecipientsResponse,
  type GetMessageRequest,
  type GetMessageResponse,
  type ListDestinationsRequest,
  type ListDestinationsResponse,
  type ListOldestRequest,
  type ListOldestResponse,
  type ListRecipientsRequest,
  type ListRecipientsResponse,
  QueueServiceClient,
  QueueServiceService as Queue,
  type ReadContentRequest,
  type ReadContentResponse,
  type RetryRequest,
  type RetryResponse,
  type StatusRequest,
  type StatusResponse,
} from '@mailyard/contracts/queue';
import {
  type GetLedgerResponse,
  type PreviewPastRequest,
  type PreviewPastResponse,
  type SearchRequest,
  type SearchResponse,
  type TraceRequest,
  type TraceResponse,
  TrackingServiceClient,
  TrackingServiceService as Tracking,
  type WatchEventsRequest,
  type WatchEventsResponse,
} from '@mailyard/contracts/tracking';
import { Channels, type GrpcTarget } from './channels.ts';
import { isAway } from './refusal.ts';
import { collectStream, openStream } from './stream-call.ts';
import { callUnary } from './unary-call.ts';

/** Longer than an admin waits for owners that do not answer, and for its tracker to catch up. */
const DEADLINE_MS = 15_000;
/** Ending recipients waits for the log, and in an admin for one owner after the other. */
const ENDING_TIMES = 4;
/** Looking back ends by itself after a minute, and may have to wait for others that look back. */
const PAST_MS = 180_000;
/** Content is read at the pace of whoever reads it, who may be a person at a pager. */
const CONTENT_MS = 3_600_000;

/**
 * What the command line, the pages and other processes ask of mailyard.queue.v1 and mailyard.tracking.v1. Every method
 * throws a `CallRefusal` when the call is refused or nobody answers in time.
 */
export class QueueClient {
  readonly #queue: Channels<QueueServiceClient>;
  readonly #tracking: Channels<TrackingServiceClient>;
  readonly #deadlineMs: number;

  constructor(target: GrpcTarget, deadlineMs = DEADLINE_MS) {
    this.#queue = new Channels<QueueServiceClient>(QueueServiceClient, target);
    this.#tracking = new Channels<TrackingServiceClient>(TrackingServiceClient, target);
    this.#deadlineMs = deadlineMs;
  }

  status(request: StatusRequest): Promise<StatusResponse> {
    return callUnary(this.#queue, Queue.status, request, this.#deadlineMs);
  }

  listDestinations(request: ListDestinationsRequest): Promise<ListDestinationsResponse> {
    return callUnary(this.#queue, Queue.listDestinations, request, this.#deadlineMs);
  }

  listRecipients(request: ListRecipientsRequest): Promise<ListRecipientsResponse> {
    return callUnary(this.#queue, Queue.listRecipients, request, this.#deadlineMs);
  }

  countRecipients(request: CountRecipientsRequest): Promise<CountRecipientsResponse> {
    return callUnary(this.#queue, Queue.countRecipients, request, this.#deadlineMs);
  }

  census(request: CensusRequest): Promise<CensusResponse[]> {
    return collectStream(this.#queue, Queue.census, request, this.#deadlineMs);
  }

  retry(request: RetryRequest): Promise<RetryResponse> {
    return callUnary(this.#queue, Queue.retry, request, this.#deadlineMs);
  }

  endRecipients(request: EndRecipientsRequest): Promise<EndRecipientsResponse> {
    return callUnary(this.#queue, Queue.endRecipients, request, ENDING_TIMES * this.#deadlineMs);
  }

  getMessage(request: GetMessageRequest): Promise<GetMessageResponse> {
    return callUnary(this.#queue, Queue.getMessage, request, this.#deadlineMs);
  }

  /** @throws CallRefusal from its iterator */
  readContent(request: ReadContentRequest): AsyncIterable<ReadContentResponse> {
    return openStream(this.#queue, Queue.readContent, request, CONTENT_MS);
  }

  listOldest(request: ListOldestRequest): Promise<ListOldestResponse> {
    return callUnary(this.#queue, Queue.listOldest, request, this.#deadlineMs);
  }

  trace(request: TraceRequest): Promise<TraceResponse> {
    return callUnary(this.#tracking, Tracking.trace, request, this.#deadlineMs);
  }

  search(request: SearchRequest): Promise<SearchResponse> {
    return callUnary(this.#tracking, Tracking.search, request, this.#deadlineMs);
  }

  previewPast(request: PreviewPastRequest): Promise<PreviewPastResponse> {
    return callUnary(this.#tracking, Tracking.previewPast, request, PAST_MS);
  }

  ledger(): Promise<GetLedgerResponse> {
    return callUnary(this.#tracking, Tracking.getLedger, {}, this.#deadlineMs);
  }

  /** Events as they come, until it is left, refused or the server goes. @throws CallRefusal from its iterator */
  async *watchEvents(request: WatchEventsRequest): AsyncGenerator<WatchEventsResponse> {
    const client = this.#tracking.current;
    try {
      yield* openStream(this.#tracking, Tracking.watchEvents, request);
    } catch (error) {
      if (isAway(error)) this.#tracking.leave(client);
      throw error;
    }
  }

  close(): void {
    this.#queue.close();
    this.#tracking.close();
  }
}
