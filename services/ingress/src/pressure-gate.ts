import { type Reply, reply } from '@mailyard/mail';
import type { PressureBoard } from '@mailyard/queue';
import type { IngressHealth } from './ports.ts';

const DELAY_FROM = 0.7;
const REFUSE_FROM = 0.85;
const LONGEST_DELAY_MS = 2000;

/** What pressure asks of one MAIL (R81): nothing, a delay in milliseconds, or a temporary refusal. */
export type PressureVerdict = { readonly delayMs: number } | { readonly refusal: Reply };

/**
 * Judges the pressure before a message is begun. The fullest of the partitions and the local disk decides: which
 * partition the message will go to is not known yet.
 */
export function judgePressure(partitions: number, board: PressureBoard, health: IngressHealth): PressureVerdict {
  if (health.away() !== undefined) return { refusal: reply(421, '4.3.2', 'Not accepting mail now, try again later') };
  let share = health.localShare();
  for (let partition = 0; partition < partitions; partition++) share = Math.max(share, board.read(partition));
  if (share >= REFUSE_FROM) return { refusal: reply(452, '4.3.1', 'Insufficient system storage, try again later') };
  if (share <= DELAY_FROM) return { delayMs: 0 };
  return { delayMs: Math.round(((share - DELAY_FROM) / (REFUSE_FROM - DELAY_FROM)) * LONGEST_DELAY_MS) };
}
