/**
 * The fold of one partition: how each record changes the state, by the invariants I2 to I9 (docs/architecture.md).
 *
 * Every reader, the owner and a worker that takes over alike, applies this one function to the same records and gets
 * the same state. The rules in short:
 * - facts (acceptance, delivery, a deferral that ends an attempt) count from anyone;
 * - decisions count only under the last claim before them, at most five minutes after it, and per message in rising
 *   (term, sequence);
 * - the first final outcome absorbs later ones, also when it is read before the record that creates its message.
 *
 * A reader that began further on does not know each message that a record speaks of. What it then remembers of the
 * record is what a reader that knows the message would need later; see docs/queue-model.md.
 */
import { type Effect, NO_EFFECT } from './effect.ts';
import { foldAccepted, foldQueued } from './fold-acceptance.ts';
import { foldIntended, foldRestated } from './fold-decision.ts';
import { foldDeferred, foldFinal } from './fold-outcome.ts';
import type { OpenMessage } from './open-message.ts';
import type { LoggedRecord, PartitionClaimed } from './records.ts';
import { RULES, type Rules } from './rules.ts';
import type { PartitionState } from './state.ts';

/** Applies one record to the state and tells what it did. Records must come in rising offset. */
export function fold(state: PartitionState, logged: LoggedRecord, rules: Rules = RULES): readonly Effect[] {
  state.nextOffset = logged.offset + 1;
  state.position += logged.sizeOctets;
  if (logged.appendTime > state.appendTime) {
    const second = Math.floor(logged.appendTime / 1_000);
    // By whole seconds of append time: every reader forgets the same at the same record, and seldom.
    if (second * 1_000 > state.appendTime) forget(state, second * 1_000 - rules.memoryMs);
    state.appendTime = logged.appendTime;
  }
  const { record } = logged;
  if (record.type === 'RecipientQueued') {
    state.traffic += logged.sizeOctets;
    return foldQueued(state, logged, record);
  }
  if (record.type === 'Undecodable') return foldUndecodable(state, logged);
  state.creation = undefined;
  if (record.type === 'PartitionClaimed') return foldClaim(state, logged, record, rules);
  if (record.type === 'MessageRestated') return foldRestated(state, logged, record, rules);
  state.traffic += logged.sizeOctets;
  if (record.type === 'MessageAccepted') return foldAccepted(state, logged, record, rules);
  if (record.type === 'AttemptIntended') return foldIntended(state, logged, record, rules);
  if (record.type === 'RecipientDeferred') return foldDeferred(state, logged, record, rules);
  return foldFinal(state, logged, record, rules);
}

function foldClaim(
  state: PartitionState,
  logged: LoggedRecord,
  record: PartitionClaimed,
  rules: Rules,
): readonly Effect[] {
  const { claim, incarnation, mark } = record;
  state.claim = { term: logged.offset, incarnation, claim, mark, appendTime: logged.appendTime };
  // What lies below the mark ended before it was written: its outcomes may be trimmed already (I6).
  const dropped: OpenMessage[] = [];
  if (rules.claimsDrop) {
    for (let first = state.messages.first(); first !== undefined; first = state.messages.first()) {
      if (first.fullStateOffset >= mark) break;
      dropped.push(first);
      state.messages.delete(first.id);
      state.attempted.delete(first.id);
    }
  }
  if (state.undecodable.length > 0) state.undecodable = state.undecodable.filter((offset) => offset >= mark);
  return [{ kind: 'claimed', dropped }];
}

/** It may be one of the recipients of the acceptance before it: those after it still belong to that acceptance. */
function foldUndecodable(state: PartitionState, logged: LoggedRecord): readonly Effect[] {
  state.undecodable.push(logged.offset);
  const { creation } = state;
  if (creation !== undefined && creation.nextOffset === logged.offset && creation.left > 0) {
    creation.nextOffset += 1;
    creation.left -= 1;
  } else {
    state.creation = undefined;
  }
  return NO_EFFECT;
}

function forget(state: PartitionState, horizon: number): void {
  state.finals.forgetBefore(horizon);
  state.ended.forgetBefore(horizon);
  for (const [message, { at }] of state.elsewhere) {
    if (at >= horizon) break;
    state.elsewhere.delete(message);
  }
  for (const [report, at] of state.expectedReports) {
    if (at >= horizon) break;
    state.expectedReports.delete(report);
  }
}
