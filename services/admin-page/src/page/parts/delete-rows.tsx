import { useWords } from '../words/words.ts';
import type { Selection } from './checked-table.tsx';
import { Dialog } from './dialog.tsx';

/** Asks before rows are deleted (R201). */
export function DeleteRows({
  title,
  text,
  selection,
  onCancel,
  onDelete,
}: {
  readonly title: string;
  /** How many, and what becomes of what they were for. */
  readonly text: string;
  readonly selection: Selection;
  readonly onCancel: () => void;
  readonly onDelete: () => void;
}) {
  const { common } = useWords();
  return (
    <Dialog title={title} onClose={onCancel}>
      <p>{text}</p>
      {selection.kind === 'some' ? (
        <ul class="named">
          {[...selection.keys].slice(0, 10).map((key) => (
            <li key={key} class="break">
              {key}
            </li>
          ))}
          {selection.keys.size > 10 ? <li>…</li> : null}
        </ul>
      ) : null}
      <div class="buttons">
        <button type="button" onClick={onCancel}>
          {common.cancel}
        </button>
        <button type="button" class="danger" onClick={onDelete}>
          {common.delete}
        </button>
      </div>
    </Dialog>
  );
}
