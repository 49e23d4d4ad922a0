import type { Difference } from '../api/values.ts';
import { useWords } from '../words/words.ts';

/** What changes, entry by entry: before and after. */
export function DifferenceList({
  differences,
  total = differences.length,
}: {
  readonly differences: readonly Difference[];
  /** How many there are, if not all of them are here. */
  readonly total?: number;
}) {
  const { commit, common, sections, routes, rat, controls } = useWords();
  const defaults: Readonly<Record<string, string>> = {
    'routes ALL': routes.default,
    'recipientAccess ALL': rat.default,
    'destinationControls DEFAULT': controls.default,
  };
  return (
    <>
      <div class="scroll">
        <table class="differences">
          <thead>
            <tr>
              <th scope="col">{commit.where}</th>
              <th scope="col">{commit.before}</th>
              <th scope="col">{commit.after}</th>
            </tr>
          </thead>
          <tbody>
            {differences.map(({ section, key, before, after, isReordered }) => (
              <tr
                key={`${section} ${key}`}
                class={before === undefined ? 'added' : after === undefined ? 'removed' : ''}
              >
                <th scope="row">
                  <span class="break">{defaults[`${section} ${key}`] ?? key}</span>{' '}
                  <small>
                    {sections[section]} ·{' '}
                    {isReordered === true
                      ? commit.reordered
                      : before === undefined
                        ? commit.added
                        : after === undefined
                          ? commit.removed
                          : commit.changed}
                  </small>
                </th>
                <td>{before === undefined ? <span class="quiet">{common.none}</span> : <del>{before}</del>}</td>
                <td>{after === undefined ? <span class="quiet">{common.none}</span> : <ins>{after}</ins>}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      {total > differences.length ? <p class="hint">{commit.shown(differences.length, total)}</p> : null}
    </>
  );
}
