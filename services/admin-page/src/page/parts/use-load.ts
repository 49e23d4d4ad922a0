import { useCallback, useEffect, useRef, useState } from 'preact/hooks';
import type { Refusal } from '../api/client.ts';

export interface Loaded<T> {
  /** The newest answer; stays while the next one is on its way. */
  readonly value: T | undefined;
  readonly problem: Refusal | undefined;
  readonly reload: () => void;
}

/**
 * Reads something when the page is opened and whenever `key` changes, and again every so often.
 *
 * @param everyMs absent: only once. A page that is not visible does not ask.
 */
export function useLoad<T>(key: string, read: () => Promise<T>, everyMs?: number): Loaded<T> {
  const [state, setState] = useState<{ key: string; value?: T | undefined; problem?: Refusal | undefined }>({ key });
  const [turn, setTurn] = useState(0);
  const latest = useRef(read);
  latest.current = read;
  useEffect(() => {
    let isOver = false;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const ask = async (): Promise<void> => {
      if (!document.hidden) {
        try {
          const value = await latest.current();
          if (!isOver) setState({ key, value });
        } catch (error) {
          if (!isOver)
            setState((before) => ({
              key,
              value: before.key === key ? before.value : undefined,
              problem: error as Refusal,
            }));
        }
      }
      if (!isOver && everyMs !== undefined) timer = setTimeout(() => void ask(), everyMs);
    };
    void ask();
    return () => {
      isOver = true;
      clearTimeout(timer);
    };
  }, [key, turn, everyMs]);
  const reload = useCallback(() => setTurn((before) => before + 1), []);
  return {
    value: state.key === key ? state.value : undefined,
    problem: state.key === key ? state.problem : undefined,
    reload,
  };
}

/** A value that stands still while it is changed often: the last one, once it rested. */
export function useRested<T>(value: T, restMs: number): T {
  const [rested, setRested] = useState(value);
  const text = JSON.stringify(value);
  useEffect(() => {
    const timer = setTimeout(() => setRested(value), restMs);
    return () => clearTimeout(timer);
  }, [text, restMs]);
  return rested;
}
