import { useEffect, useState } from 'preact/hooks';
import { submitEdits } from '../api/calls.ts';
import type { Refusal } from '../api/client.ts';
import type { Edit } from '../api/values.ts';
import { useWords } from '../words/words.ts';
import { useSigned } from './session.ts';
import { useLoad } from './use-load.ts';

/** A table that is changed by edits: what it shows, and what came of an edit. */
export interface EditedTable<T> {
  /** The newest answer; stays while another is read. */
  readonly shown: T | undefined;
  readonly problem: Refusal | undefined;
  /** Stages edits. @returns whether they were taken */
  readonly stage: (edits: readonly Edit[]) => Promise<boolean>;
}

/** Reads a table; what others commit and what is submitted elsewhere shows by itself. @param key of what is asked for */
export function useTable<T extends { readonly version: number }>(key: unknown, read: () => Promise<T>): EditedTable<T> {
  const { routes: words } = useWords();
  const { pending, setPending, say } = useSigned();
  const [refused, setRefused] = useState<Refusal>();
  const whole = JSON.stringify([key, pending?.version, pending?.count, pending?.baseVersion]);
  const { value, problem, reload } = useLoad(whole, read);
  const [shown, setShown] = useState(value);
  useEffect(() => {
    if (value !== undefined) setShown(value);
  }, [value]);
  const stage = async (edits: readonly Edit[]): Promise<boolean> => {
    try {
      setPending(await submitEdits(edits, shown!.version));
      setRefused(undefined);
      say(words.staged(edits.length));
      reload();
      return true;
    } catch (error) {
      setRefused(error as Refusal);
      return false;
    }
  };
  return { shown, problem: problem ?? refused, stage };
}
