import { useState } from 'preact/hooks';
import { readChange, stageRollback } from '../api/calls.ts';
import type { Refusal } from '../api/client.ts';
import { addressOf, useGo } from '../parts/address.ts';
import { DifferenceList } from '../parts/difference-list.tsx';
import { Problem } from '../parts/notice.tsx';
import { PageHead } from '../parts/page-head.tsx';
import { useMay, useSigned } from '../parts/session.ts';
import { useLoad } from '../parts/use-load.ts';
import { When } from '../parts/when.tsx';
import { useWords } from '../words/words.ts';

const PLACE = ['system', 'changes'];

/** One version: what it did, and the way back to it. */
export function ChangePage({ version }: { readonly version: number }) {
  const { changes: words, menu, common } = useWords();
  const { pending, setPending } = useSigned();
  const go = useGo();
  const mayRollBack = useMay('administrator');
  const { value, problem } = useLoad(String(version), () => readChange(version));
  const [refused, setRefused] = useState<Refusal>();
  const rollBack = async (): Promise<void> => {
    try {
      setPending(await stageRollback(version));
      go(addressOf(['system', 'commit']));
    } catch (error) {
      setRefused(error as Refusal);
    }
  };
  const newest = pending?.version ?? version;
  return (
    <>
      <PageHead place={[menu.system, { text: words.title, href: addressOf(PLACE) }]} title={words.change(version)}>
        {mayRollBack && version < newest ? (
          <button type="button" title={words.rollbackHint} onClick={() => void rollBack()}>
            {words.rollback}
          </button>
        ) : null}
      </PageHead>
      <Problem problem={problem ?? refused} />
      {value === undefined && problem === undefined ? <p class="quiet">{common.loading}</p> : null}
      {value === undefined ? null : (
        <>
          <dl class="facts">
            <dt>{words.when}</dt>
            <dd>
              <When at={value.change.committedAt} />
            </dd>
            <dt>{words.author}</dt>
            <dd class="break">{value.change.author}</dd>
            <dt>{words.comment}</dt>
            <dd class="break">{value.change.reason || <span class="quiet">{words.noComment}</span>}</dd>
          </dl>
          <p class="links">
            <a href={addressOf(['network', 'smtp-routes'], { version })}>{words.table}</a>
            {version < newest ? (
              <a href={addressOf([...PLACE, 'diff'], { from: version, to: newest })}>{words.previous}</a>
            ) : null}
          </p>
          <DifferenceList differences={value.differences} total={value.differenceCount} />
        </>
      )}
    </>
  );
}
