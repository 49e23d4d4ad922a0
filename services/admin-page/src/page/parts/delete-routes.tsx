import { useWords } from '../words/words.ts';
import { Dialog } from './dialog.tsx';
import type { Selection } from './route-table.tsx';

/** Asks before routes are deleted (R201). */
export function DeleteRoutes({
  selection,
  total,
  onCancel,
  onDelete,
}: {
  readonly selection: Selection;
  /** Entries of the table, the default counted. */
  readonly total: number;
  readonly onCancel: () => void;
  readonly onDelete: () => void;
}) {
  const { routes: words, common } = useWords();
  return (
    <Dialog title={words.deleteTitle} onClose={onCancel}>
      <p>{selection.kind === 'all' ? words.deleteAll(total - 1) : words.deleteSome(selection.domains.size)}</p>
      {selection.kind === 'some' ? (
        <ul class="named">
          {[...selection.domains].slice(0, 10).map((domain) => (
            <li key={domain} class="break">
              {domain}
            </li>
          ))}
          {selection.domains.size > 10 ? <li>…</li> : null}
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
