import type { ComponentChildren } from 'preact';
import type { Fault } from '../api/values.ts';
import { useWords } from '../words/words.ts';

/** What is wrong with a field, in the reader's language where there is a text for its code. */
export function useFaultText(): (fault: Fault) => string {
  const { faults } = useWords();
  return (fault) => faults[fault.code]?.(fault.token ?? '') ?? sentenceOf(fault);
}

/** The gateway says in English what is wrong with a thing, without naming it. */
function sentenceOf({ token, message }: Fault): string {
  return token === undefined || token === '' ? message : `“${token}” ${message}`;
}

/** Binds what is typed to its label, its hint and its faults. */
export interface FieldBinding {
  readonly id: string;
  readonly 'aria-describedby'?: string;
  readonly 'aria-invalid'?: 'true';
}

export interface FieldProps {
  readonly id: string;
  readonly label: ComponentChildren;
  readonly hint?: string | undefined;
  /** Shown beside the field and bound to it. */
  readonly faults?: readonly string[] | undefined;
  /** The label is there for screen readers only. */
  readonly isBare?: boolean;
  readonly children: (bind: FieldBinding) => ComponentChildren;
}

/** A label, what is typed, and what is wrong with it. */
export function Field({ id, label, hint, faults = [], isBare = false, children }: FieldProps) {
  const described = [...(hint === undefined ? [] : [`${id}-hint`]), ...(faults.length === 0 ? [] : [`${id}-faults`])];
  return (
    <div class="field">
      <label for={id} class={isBare ? 'unseen' : ''}>
        {label}
      </label>
      {children({
        id,
        ...(described.length === 0 ? {} : { 'aria-describedby': described.join(' ') }),
        ...(faults.length === 0 ? {} : { 'aria-invalid': 'true' as const }),
      })}
      {hint === undefined ? null : (
        <p class={isBare ? 'unseen' : 'hint'} id={`${id}-hint`}>
          {hint}
        </p>
      )}
      <div aria-live="polite" id={`${id}-faults`} class="faults">
        {faults.map((fault) => (
          <p key={fault}>{fault}</p>
        ))}
      </div>
    </div>
  );
}
