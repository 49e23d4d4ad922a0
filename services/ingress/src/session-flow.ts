import type { HostVerdict } from '@mailyard/access';
import type { InjectionSession } from '@mailyard/smtp-receiver';

/** What holds for one connection, as the host access table had it when the client came; kept in the session. */
export class SessionFlow {
  /** Undefined until the client was judged; it is not where there was no table when it came. */
  verdict: HostVerdict | undefined;
  /** Whether the listener's table has rows at all. */
  isListed = false;
  /** Whether its recipients are counted by the hour: some listener bounds them (R128). */
  countsRecipients = false;
  /** Whether the mail log knows of the connection. */
  isOpened = false;
  /** Whether it is one of its client's that are counted for `max_concurrency`. */
  isCounted = false;
  /** Messages whose content has begun. */
  messages = 0;
}

/** The flow that the gate has put into a session. */
export function flowOf({ state }: InjectionSession): SessionFlow {
  return state as SessionFlow;
}

/** Whether a client may send to anyone: its row of the host access table says RELAY (R124), or it has authenticated (R129). */
export function mayRelay(session: InjectionSession): boolean {
  return flowOf(session).verdict?.action === 'RELAY' || session.user !== undefined;
}
