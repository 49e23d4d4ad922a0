import { useWords } from '../words/words.ts';

/** A column's head that sorts by it; again, the other way round. */
export function SortHeader({
  name,
  title,
  sort,
  onSort,
  isNumber = false,
}: {
  readonly name: string;
  readonly title: string;
  /** `name` or `-name`, as it is now. */
  readonly sort: string;
  readonly onSort: (sort: string) => void;
  /** The largest first, to begin with. */
  readonly isNumber?: boolean;
}) {
  const { common } = useWords();
  const isUp = sort === name;
  const isDown = sort === `-${name}`;
  const next = isUp ? `-${name}` : isDown ? name : isNumber ? `-${name}` : name;
  return (
    <th
      scope="col"
      class={isNumber ? `number ${name}` : ''}
      aria-sort={isUp ? 'ascending' : isDown ? 'descending' : 'none'}
    >
      <button type="button" class="sort" title={common.sortBy(title)} onClick={() => onSort(next)}>
        {title}
        <span aria-hidden="true">{isUp ? '▲' : isDown ? '▼' : ''}</span>
      </button>
    </th>
  );
}
