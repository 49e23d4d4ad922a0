import type { HostState as State } from '../api/values.ts';
import { useWords } from '../words/words.ts';

const SIGNS: Readonly<Record<State, string>> = { up: '●', down: '✕', unknown: '○' };

/** Up, down or unknown: a sign and a word, never a colour alone. */
export function HostState({ state }: { readonly state: State }) {
  const { queue } = useWords();
  return (
    <span class={`state ${state}`}>
      <span aria-hidden="true">{SIGNS[state]}</span> {queue.states[state]}
    </span>
  );
}
