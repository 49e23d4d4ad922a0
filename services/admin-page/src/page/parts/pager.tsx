import { useWords } from '../words/words.ts';

/** Goes through pages of a list whose length is known. */
export function Pager({
  offset,
  limit,
  found,
  onGo,
}: {
  readonly offset: number;
  readonly limit: number;
  readonly found: number;
  readonly onGo: (offset: number) => void;
}) {
  const { common } = useWords();
  if (found <= limit && offset === 0) return null;
  return (
    <nav class="pager" aria-label={common.range(offset + 1, Math.min(offset + limit, found), found)}>
      <button type="button" disabled={offset === 0} onClick={() => onGo(Math.max(0, offset - limit))}>
        {common.previous}
      </button>
      <span>{common.range(Math.min(offset + 1, found), Math.min(offset + limit, found), found)}</span>
      <button type="button" disabled={offset + limit >= found} onClick={() => onGo(offset + limit)}>
        {common.next}
      </button>
    </nav>
  );
}
