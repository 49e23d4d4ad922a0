import type { Decision, MessageId } from '../records.ts';

/** One life of one worker process: what may excuse an outcome that came too late. */
export interface Life {
  readonly name: string;
  crashedAt: number | undefined;
  /** Stretches in which it stood still, or its presence could not be seen. */
  readonly silences: { readonly from: number; readonly until: number; readonly why: 'paused' | 'absent' }[];
}

/** The next hop took a recipient's message: the final dot arrived and the host meant yes. */
export interface Delivery {
  readonly at: number;
  readonly life: Life;
  readonly attempt: Decision;
  /** When the reply reached the worker; undefined when it never does. */
  readonly repliedAt: number | undefined;
  submittedAt: number | undefined;
  /** When the outcome stood in the log. */
  landedAt: number | undefined;
}

/** A worker gives up waiting for the reply to the dot after this long. */
export const REPLY_TIMEOUT_MS = 600_000;
/**
 * No two final dots for a recipient are closer than this: one goes out at most 30 s after its claim was sent, the other
 * at least 65 s after a later claim was read (I4, I5).
 */
const APART_MS = 34_000;
/** After a silence a worker is seen again, and its outcomes reach the log, within this. */
const RECOVERY_MS = 10_000;
/** An outcome that takes longer than this from the worker to the log was held up there. */
const HELD_UP_MS = 5_000;

export type Excuse = 'D3 reply' | 'D4 crash' | 'D4 paused' | 'D4 absent' | 'D4 log';

/** What really happened, whatever the log says. */
export class Truth {
  readonly #together: boolean;
  readonly acknowledged = new Set<MessageId>();
  readonly recipientCounts = new Map<MessageId, number>();
  readonly deliveries = new Map<string, Delivery[]>();
  readonly refusals = new Set<string>();
  readonly violations: string[] = [];
  readonly excuses = new Map<Excuse, number>();

  /** @param together whether a second try may follow at once: embedded, the dead one's lock is proof enough */
  constructor(together: boolean) {
    this.#together = together;
  }

  violation(text: string): void {
    this.violations.push(text);
  }

  delivered(message: MessageId, recipient: number, delivery: Delivery): void {
    const key = `${message}/${recipient}`;
    const earlier = this.deliveries.get(key) ?? [];
    for (const other of earlier) {
      if (delivery.at - other.at < APART_MS && !this.#together)
        this.violation(`${key} was on the wire twice at once, at ${other.at} and ${delivery.at}`);
      this.#mustExcuse(other, delivery.at, `${key} delivered again`);
    }
    this.deliveries.set(key, [...earlier, delivery]);
  }

  /** A recipient was closed as anything but delivered: then no host should have it. */
  notDelivered(message: MessageId, recipient: number, at: number): void {
    for (const delivery of this.deliveries.get(`${message}/${recipient}`) ?? [])
      this.#mustExcuse(delivery, at, `${message}/${recipient} closed otherwise though delivered`);
  }

  #mustExcuse(delivery: Delivery, at: number, what: string): void {
    const excuse = excuseOf(delivery, at);
    if (excuse === undefined) {
      this.violation(`${what} at ${Math.round(at)}, first by ${delivery.life.name} at ${Math.round(delivery.at)}`);
    } else {
      this.excuses.set(excuse, (this.excuses.get(excuse) ?? 0) + 1);
    }
  }
}

/** Why nobody could know of a delivery by then (D3 to D5 of the design); undefined when somebody could. */
function excuseOf(delivery: Delivery, at: number): Excuse | undefined {
  const { life, repliedAt, landedAt, submittedAt } = delivery;
  const until = Math.min(at, landedAt ?? at);
  if (repliedAt === undefined || repliedAt > delivery.at + REPLY_TIMEOUT_MS) return 'D3 reply';
  if (life.crashedAt !== undefined && life.crashedAt >= delivery.at && life.crashedAt <= until) return 'D4 crash';
  for (const { from, until: end, why } of life.silences)
    if (Math.min(end + RECOVERY_MS, until) > Math.max(from, delivery.at))
      return why === 'paused' ? 'D4 paused' : 'D4 absent';
  if (submittedAt !== undefined && (landedAt ?? at) - submittedAt >= HELD_UP_MS) return 'D4 log';
  return undefined;
}
