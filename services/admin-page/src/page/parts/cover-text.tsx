import type { Covers } from '../api/values.ts';
import { useWords } from '../words/words.ts';

/** What an entry covers, said in words (R38). */
export function CoverText({ covers }: { readonly covers: Covers | undefined }) {
  const { routeForm: words } = useWords();
  return (
    <div class="covers" aria-live="polite">
      {covers === undefined ? null : (
        <>
          <strong>{words.covers}</strong>
          <p class="break">{words.coverWords[covers.kind](covers.domain)}</p>
          {covers.exceptions.length === 0 ? null : (
            <p class="break">
              {words.exceptions} {covers.exceptions.join(', ')}
            </p>
          )}
        </>
      )}
    </div>
  );
}
