import type { ComponentChildren } from 'preact';
import type { Refusal } from '../api/client.ts';
import type { Remark } from '../api/values.ts';
import { useWords } from '../words/words.ts';

export type Tone = 'info' | 'good' | 'warning' | 'bad';

/** Something the reader must know; read out by a screen reader when it comes. */
export function Notice({ tone, children }: { readonly tone: Tone; readonly children: ComponentChildren }) {
  return (
    <div class={`notice ${tone}`} role={tone === 'bad' ? 'alert' : 'status'}>
      {children}
    </div>
  );
}

/** What was refused, in the reader's language where there is a text for its code. */
export function Problem({ problem }: { readonly problem: Refusal | undefined }) {
  const words = useWords();
  if (problem === undefined) return null;
  return (
    <Notice tone="bad">
      {words.problems[problem.code] ?? problem.message} <code>{problem.code}</code>
    </Notice>
  );
}

/** What a remark says, in the reader's language where there is a text for its code. */
export function useRemarkText(): (remark: Remark) => string {
  const { remarks } = useWords();
  return ({ code, parameters, message }) => remarks[code]?.(parameters) ?? message;
}

export function Warnings({ warnings }: { readonly warnings: readonly Remark[] }) {
  const words = useWords();
  const remarkText = useRemarkText();
  if (warnings.length === 0) return null;
  return (
    <Notice tone="warning">
      <strong>{words.warningsLabel}</strong>
      <ul>
        {warnings.map(remarkText).map((text) => (
          <li key={text}>{text}</li>
        ))}
      </ul>
    </Notice>
  );
}
