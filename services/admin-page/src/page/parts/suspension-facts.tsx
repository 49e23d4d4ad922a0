import type { Suspension } from '../api/values.ts';
import { useWords } from '../words/words.ts';
import { suspensionText } from './suspension-text.ts';
import { When } from './when.tsx';

/** What is suspended, why, by whom and until when. */
export function SuspensionFacts({ suspension }: { readonly suspension: Suspension }) {
  const all = useWords();
  const { suspensions: words } = all;
  const { author, reason, until } = suspension;
  return (
    <p class="break">
      <strong>{suspensionText(suspension, all)}</strong>
      <br />
      {words.reason}: {reason}
      <br />
      {words.author}: {author} · {words.until}: {until === undefined ? words.untilResumed : <When at={until} />}
    </p>
  );
}
