import { diff } from '../api/calls.ts';
import { addressOf } from '../parts/address.ts';
import { DifferenceList } from '../parts/difference-list.tsx';
import { Problem } from '../parts/notice.tsx';
import { PageHead } from '../parts/page-head.tsx';
import { useLoad } from '../parts/use-load.ts';
import { useWords } from '../words/words.ts';

/** The difference of any two versions. */
export function DiffPage({ query }: { readonly query: URLSearchParams }) {
  const { changes: words, menu, common } = useWords();
  const from = Number(query.get('from'));
  const to = Number(query.get('to'));
  const { value, problem } = useLoad(`${from} ${to}`, () => diff(from, to));
  return (
    <>
      <PageHead
        place={[menu.system, { text: words.title, href: addressOf(['system', 'changes']) }]}
        title={words.diff(from, to)}
      />
      <Problem problem={problem} />
      {value === undefined && problem === undefined ? <p class="quiet">{common.loading}</p> : null}
      {value?.differences.length === 0 ? <p>{words.noDifference}</p> : null}
      {value !== undefined && value.differences.length > 0 ? (
        <DifferenceList differences={value.differences} total={value.differenceCount} />
      ) : null}
    </>
  );
}
