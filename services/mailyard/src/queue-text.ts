import { type Destination, HostState, type StatusResponse, type WaitingRecipient } from '@mailyard/contracts/queue';
import type { Reply } from '@mailyard/contracts/records';
import { type Cell, isoTime, tableText, timeText } from './table-text.ts';

const STATES = ['accepted', 'delivered', 'bounced', 'expired', 'dropped', 'removed', 'waiting'] as const;

/** A queue's status in the words of the contract; the sums are null where no tracker answered. */
export function statusJson(status: StatusResponse): Record<string, unknown> {
  const { ledger } = status;
  const sums = [...STATES, 'outcomeUnknown', 'untracked'] as const;
  return {
    ...Object.fromEntries(sums.map((name) => [name, ledger?.[name] ?? null])),
    waitingNow: status.waiting,
    outcomeUnknownNow: status.outcomeUnknown,
    destinations: status.destinations.map(destinationJson),
    destinationCount: status.destinationCount,
    silentOwners: status.silentOwners,
    unownedPartitions: status.unownedPartitions,
  };
}

export function statusText(status: StatusResponse, colour: boolean): string {
  const { ledger, destinations, destinationCount } = status;
  const lines: string[] = [];
  if (ledger !== undefined) {
    const rows = STATES.map((name) => [name, { text: String(ledger[name]), align: 'right' } as const]);
    lines.push('Recipients\n', tableText(['', ''], rows, colour).replace(/^.*\n/, ''));
    if (ledger.outcomeUnknown > 0) lines.push(`  of those waiting, ${ledger.outcomeUnknown} may have been taken\n`);
    if (ledger.untracked > 0) lines.push(`  of ${ledger.untracked} more it is not known how they ended\n`);
    lines.push('\n');
  }
  if (destinationCount === 0) return `${lines.join('')}No destinations: nothing waits\n`;
  const more = destinationCount > destinations.length ? `, ${destinations.length} of ${destinationCount}` : '';
  lines.push(`Destinations${more}\n`);
  const heading = ['destination', 'state', 'waiting', 'underway', 'connections', 'next attempt', 'last reply'];
  lines.push(tableText(heading, destinations.map(destinationRow), colour));
  return lines.join('');
}

const STATE_CELLS: Readonly<Record<HostState, Cell>> = {
  [HostState.HOST_STATE_UNSPECIFIED]: { text: 'unknown' },
  [HostState.HOST_STATE_UP]: { text: 'up', colour: 'green' },
  [HostState.HOST_STATE_DOWN]: { text: 'down', colour: 'red' },
};

function destinationRow(destination: Destination): (string | Cell)[] {
  const count = (value: number): Cell => ({ text: String(value), align: 'right' });
  return [
    destination.destination,
    STATE_CELLS[destination.state],
    count(destination.waiting),
    count(destination.underway),
    count(destination.connections),
    timeText(destination.nextAttemptAt),
    destination.lastReply === undefined ? '' : replyText(destination.lastReply),
  ];
}

export function destinationJson(destination: Destination): Record<string, unknown> {
  const { state, hosts, nextAttemptAt, oldestAt, lastReply, ...rest } = destination;
  return {
    ...rest,
    state: STATE_CELLS[state].text,
    hosts: hosts.map(({ host, state: of, downUntil }) => ({
      host,
      state: STATE_CELLS[of].text,
      downUntil: isoTime(downUntil),
    })),
    nextAttemptAt: isoTime(nextAttemptAt),
    oldestAt: isoTime(oldestAt),
    lastReply: lastReply ?? null,
  };
}

export function recipientJson(recipient: WaitingRecipient): Record<string, unknown> {
  const { acceptedAt, dueAt, expiresAt, reversePath, lastHost, ...rest } = recipient;
  return {
    ...rest,
    reversePath: reversePath ?? null,
    acceptedAt: isoTime(acceptedAt),
    dueAt: isoTime(dueAt),
    expiresAt: isoTime(expiresAt),
    lastHost: lastHost ?? null,
  };
}

export function recipientsText(recipients: readonly WaitingRecipient[], colour: boolean): string {
  if (recipients.length === 0) return 'Nothing waits\n';
  const heading = ['MID', 'RID', 'recipient', 'next attempt', 'retries', 'expires', 'last host'];
  const rows = recipients.map((one): (string | Cell)[] => [
    one.mid,
    { text: String(one.recipient), align: 'right' },
    one.forwardPath,
    timeText(one.dueAt),
    { text: String(one.retries), align: 'right' },
    timeText(one.expiresAt),
    `${one.lastHost ?? ''}${one.outcomeUnknown ? ' (outcome unknown)' : ''}`,
  ]);
  return tableText(heading, rows, colour);
}

/** A reply on one line. */
export function replyText({ code, enhancedStatus, text }: Reply): string {
  const status = enhancedStatus === undefined ? '' : `${enhancedStatus} `;
  return `${code} ${status}${text.replaceAll('\n', ' / ')}`;
}
