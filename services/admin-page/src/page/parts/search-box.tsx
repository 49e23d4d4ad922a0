import { useEffect, useRef, useState } from 'preact/hooks';
import { useWords } from '../words/words.ts';

const REST_MS = 200;

/** A text to search for; searches by itself when the typing rests. */
export function SearchBox({
  label,
  text,
  onSearch,
}: {
  readonly label: string;
  readonly text: string;
  readonly onSearch: (text: string) => void;
}) {
  const { common } = useWords();
  const [typed, setTyped] = useState(text);
  const latest = useRef(onSearch);
  latest.current = onSearch;
  useEffect(() => {
    if (typed === text) return undefined;
    const timer = setTimeout(() => latest.current(typed), REST_MS);
    return () => clearTimeout(timer);
  }, [typed, text]);
  return (
    <form
      class="search"
      role="search"
      onSubmit={(event) => {
        event.preventDefault();
        onSearch(typed);
      }}
    >
      <label for="search">{label}</label>
      <input
        id="search"
        type="search"
        value={typed}
        maxLength={300}
        autocomplete="off"
        spellcheck={false}
        onInput={(event) => setTyped(event.currentTarget.value)}
      />
      <button type="submit">{common.search}</button>
    </form>
  );
}
