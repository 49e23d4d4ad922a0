import { createContext } from 'preact';
import { useContext } from 'preact/hooks';
import { en, type Words } from './en.ts';
import { ja } from './ja.ts';

export type { Words };

const CATALOGUES: Readonly<Record<string, Words>> = { en, ja };
const KEY = 'mailyard.language';

/** The words of the language that was chosen here before, else of the browser's. */
export function firstWords(): Words {
  return CATALOGUES[localStorage.getItem(KEY) ?? navigator.language.slice(0, 2)] ?? en;
}

/** Chooses a language and remembers it. */
export function chooseWords(code: string): Words {
  localStorage.setItem(KEY, code);
  return CATALOGUES[code] ?? en;
}

export const WordsContext = createContext<Words>(en);

export function useWords(): Words {
  return useContext(WordsContext);
}
