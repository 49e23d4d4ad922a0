/** Waiting recipients that an operator removes or bounces (R212). */
import type { EndedRecipients, OperatorEnding } from '@mailyard/delivery-rules';
import { type Reply, reply } from '@mailyard/mail';
import type {
  FinalOutcome,
  MessageId,
  OpenMessage,
  QueueRecord,
  RecipientBounced,
  RecipientRemoved,
} from '@mailyard/queue';
import type { MailSelection } from '../views/mail-selection.ts';
import { Pace } from '@mailyard/telemetry';
import type { Draft } from '../partitions/partition-appends.ts';
import type { Partition } from '../partitions/partition.ts';
import type { Report } from './report.ts';
import type { MessagePlace } from '../views/message-place.ts';
import type { WaitingPages } from '../views/waiting-pages.ts';

/** For how long one call begins with more, in milliseconds. */
const WORK_MS = 1_000;
/**
 * Recipients whose ends are on their way into the log at once. Each that bounces has its original read for its report,
 * within the time that the log may take: of many at once, on a busy machine, none would come to its end.
 */
const AT_ONCE = { remove: 256, bounce: 16 } as const;
/** How long the log may take for them. */
const WRITING_MS = 5_000;
/** RFC 3463 §3.1: all that the sender is told is that it is final. */
const RETURNED: Reply = reply(
  554,
  '5.0.0',
  'returned by the postmaster of this system, who has taken it off the queue',
);

/** What became of one recipient: `left` is in a transaction or ended otherwise; `lost`, the partition is another's. */
type End = 'ended' | 'left' | 'lost';

export class OperatorEndings {
  readonly #pages: WaitingPages;
  readonly #partitions: ReadonlyMap<number, Partition>;
  readonly #now: () => number;

  /**
   * @param partitions those of this worker, by number
   * @param now the wall clock by which reports are dated
   */
  constructor(pages: WaitingPages, partitions: ReadonlyMap<number, Partition>, now: () => number) {
    this.#pages = pages;
    this.#partitions = partitions;
    this.#now = now;
  }

  /**
   * Ends recipients of a selection for a second at the most, slice by slice: each slice is in the log before the next
   * begins, so that the mail of others goes on between them.
   *
   * @param ending undefined: counts them
   * @returns with the problem, and what ended until then, when the partition was lost or its log did not take a slice in time
   */
  async end(
    selection: MailSelection,
    ending: OperatorEnding | undefined,
    after: string | undefined,
  ): Promise<EndedRecipients> {
    const until = performance.now() + WORK_MS;
    const begun = begunAt(after) ?? this.#now();
    const pace = new Pace();
    const counts = { recipients: 0, leftAlone: 0 };
    let slice: OperatorDraft[] = [];
    /** @returns why it cannot go on, if so */
    const finish = async (): Promise<string | undefined> => {
      const { ends, problem } = await settle(slice);
      slice = [];
      for (const end of ends) count(counts, end);
      return problem;
    };
    const most = ending === undefined ? Infinity : AT_ONCE[ending.kind];
    for (const place of await this.#pages.messages(selection, after)) {
      if (performance.now() >= until) {
        const problem = await finish();
        if (problem !== undefined) return { ...counts, next: undefined, problem };
        return { ...counts, next: `${this.#pages.tokenOf(place)}.${begun}` };
      }
      // The reports of what has just bounced wait behind it: they must reach their senders (I9).
      if (ending?.kind === 'bounce' && isReportSince(place[1], begun)) continue;
      for (const draft of this.#draftsOf(place, selection, ending)) {
        if (typeof draft === 'string') count(counts, draft);
        else slice.push(draft);
        if (slice.length < most) continue;
        const problem = await finish();
        if (problem !== undefined) return { ...counts, next: undefined, problem };
      }
      if (pace.isOver) await pace.rest();
    }
    const problem = await finish();
    return { ...counts, next: undefined, ...(problem === undefined ? {} : { problem }) };
  }

  *#draftsOf(
    [number, message]: MessagePlace,
    selection: MailSelection,
    ending: OperatorEnding | undefined,
  ): Iterable<OperatorDraft | End> {
    const partition = this.#partitions.get(number)!;
    const now = partition.steadyNow();
    // Some may have ended before the last of them is looked at.
    for (const recipient of [...message.recipients.values()]) {
      if (!selection.wants(message, recipient)) continue;
      const freeAt = partition.owner.freeAt(message, recipient.recipient, now);
      if (freeAt === undefined || freeAt > now.wall) yield 'left';
      else if (ending === undefined) yield 'ended';
      else yield new OperatorDraft(partition, message, recipient.recipient, ending);
    }
  }
}

/** When the first part began: it stands behind the place to go on from. */
function begunAt(token: string | undefined): number | undefined {
  const at = Number(token?.split('.')[2]);
  return Number.isSafeInteger(at) ? at : undefined;
}

function isReportSince({ envelope }: OpenMessage, begun: number): boolean {
  return envelope.reportOf !== undefined && envelope.at >= begun;
}

function count(counts: { recipients: number; leftAlone: number }, end: End): void {
  if (end === 'ended') counts.recipients += 1;
  else if (end === 'left') counts.leftAlone += 1;
}

/** Waits for the ends of some drafts. What the log has not taken in time is not written any more, if it was not yet. */
async function settle(
  drafts: readonly OperatorDraft[],
): Promise<{ readonly ends: readonly End[]; readonly problem?: string }> {
  if (drafts.length === 0) return { ends: [] };
  const { promise: late, resolve } = Promise.withResolvers<'late'>();
  const timer = setTimeout(() => resolve('late'), WRITING_MS);
  const ends = await Promise.race([Promise.all(drafts.map(({ end }) => end)), late]);
  clearTimeout(timer);
  if (ends !== 'late' && !ends.includes('lost')) return { ends };
  for (const draft of drafts) draft.withdraw();
  // Those that had an end before the others were given up keep it.
  return {
    ends: await Promise.all(drafts.map(({ end }) => end)),
    problem:
      ends === 'late' ? 'the queue log did not take it in time' : 'the partition went to another owner meanwhile',
  };
}

/** Decided when its turn to be written comes: not while an attempt of the recipient is open or about to be (I3). */
class OperatorDraft implements Draft {
  readonly message: MessageId;
  readonly end: Promise<End>;
  readonly #partition: Partition;
  readonly #recipient: number;
  readonly #ending: OperatorEnding;
  readonly #settle: (end: End) => void;
  #isSettled = false;
  #report: Report | undefined;

  constructor(partition: Partition, message: OpenMessage, recipient: number, ending: OperatorEnding) {
    this.message = message.id;
    this.#partition = partition;
    this.#recipient = recipient;
    this.#ending = ending;
    const { promise, resolve } = Promise.withResolvers<End>();
    this.end = promise;
    this.#settle = (end) => {
      if (this.#isSettled) return;
      this.#isSettled = true;
      partition.awaitedEnds.delete(this.message, recipient);
      resolve(end);
    };
    if (partition.awaitedEnds.add(message.id, recipient, (outcome) => this.#ended(outcome))) this.#prepare(message);
    else {
      this.#isSettled = true;
      resolve('left');
    }
  }

  /** A report is made first, since it goes into the same batch (I9); without it a bounce would be silent. */
  #prepare(message: OpenMessage): void {
    if (this.#ending.kind === 'remove') {
      this.#partition.appends.add(this);
      return;
    }
    const { reports, number } = this.#partition;
    reports.make(number, message, this.#recipient, { kind: 'bounce', reply: RETURNED, host: undefined }).then(
      (report) => {
        this.#report = report;
        if (!this.#isSettled) this.#partition.appends.add(this);
      },
      () => this.#settle('left'),
    );
  }

  #ended(outcome: FinalOutcome | undefined): void {
    if (outcome === undefined) this.#settle('lost');
    else this.#settle(isOf(outcome, this.#ending) ? 'ended' : 'left');
  }

  withdraw(): void {
    this.#settle('lost');
  }

  records(): readonly QueueRecord[] {
    if (this.#isSettled) return [];
    const decided = this.#decide();
    if (decided !== undefined) return [decided, ...(this.#report?.records ?? [])];
    this.#settle('left');
    return [];
  }

  #decide(): RecipientRemoved | RecipientBounced | undefined {
    const { owner } = this.#partition;
    const message = owner.state.messages.get(this.message);
    if (message === undefined) return undefined;
    const now = this.#partition.steadyNow();
    const { kind, reason, author } = this.#ending;
    if (kind === 'remove') return owner.remove(message, this.#recipient, { reason, author }, now);
    const report = this.#report === undefined ? {} : { report: this.#report.id };
    const fields = { cause: 'other', stage: 'operator', reply: RETURNED, reason, author, ...report } as const;
    return owner.bounce(message, this.#recipient, fields, now);
  }

  failed(): boolean {
    return !this.#isSettled;
  }
}

function isOf(outcome: FinalOutcome, { kind, author, reason }: OperatorEnding): boolean {
  const type = kind === 'remove' ? 'RecipientRemoved' : 'RecipientBounced';
  return outcome.type === type && outcome.author === author && outcome.reason === reason;
}
