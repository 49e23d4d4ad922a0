import { type Event, EventKind } from '@mailyard/contracts/tracking';
import type { EnhancedStatus, Reply } from '@mailyard/mail';

/** How the last attempt at a recipient ended, or why none was made. */
export interface LastTry {
  readonly at: number;
  readonly host?: string;
  readonly reply?: Reply;
  readonly stage?: string;
  /** The matched entry as it is printed, or `DNS`, and the version of the route table. */
  readonly route?: string;
  readonly routeVersion?: number;
}

/**
 * The last try of each recipient that waits on, by RID.
 *
 * @param events of one message, in the order of the log
 */
export function lastTries(events: readonly Event[]): ReadonlyMap<number, LastTry> {
  const tries = new Map<number, LastTry>();
  for (const { kind, counted, at, recipients, host, reply, stage, route, routeVersion } of events) {
    if (kind !== EventKind.EVENT_KIND_DEFERRED || !counted) continue;
    const told: LastTry = {
      at,
      ...(host === undefined ? {} : { host }),
      ...(reply === undefined ? {} : { reply: readReply(reply) }),
      ...(stage === undefined || stage === '' ? {} : { stage }),
      ...(route === undefined ? {} : { route }),
      ...(routeVersion === undefined ? {} : { routeVersion }),
    };
    for (const { recipient } of recipients) tries.set(recipient, told);
  }
  return tries;
}

function readReply({ code, enhancedStatus, text }: NonNullable<Event['reply']>): Reply {
  return { code, text, ...(enhancedStatus === undefined ? {} : { enhancedStatus: enhancedStatus as EnhancedStatus }) };
}
