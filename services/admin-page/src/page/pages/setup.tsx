import { useEffect, useState } from 'preact/hooks';
import { checkSetup, commitSetup, readSetup } from '../api/calls.ts';
import type { Refusal } from '../api/client.ts';
import type { SetupCheck, SetupRow } from '../api/values.ts';
import { addressOf, useGo } from '../parts/address.ts';
import { DifferenceList } from '../parts/difference-list.tsx';
import { Problem, Warnings } from '../parts/notice.tsx';
import { PageHead } from '../parts/page-head.tsx';
import { useMay, useSigned } from '../parts/session.ts';
import { isBlankRow, readTyped, SetupRows, type TypedRow, typedOf } from '../parts/setup-rows.tsx';
import { useLoad, useRested } from '../parts/use-load.ts';
import { useWords } from '../words/words.ts';

const REST_MS = 200;

/** The wizard of the first day (R170 to R172): rows, review, commit. */
export function SetupPage() {
  const { setup: words, menu, common } = useWords();
  const mayCommit = useMay('administrator');
  const { value, problem } = useLoad('', readSetup);
  return (
    <>
      <PageHead place={[menu.system]} title={words.title} />
      <p>{words.intro}</p>
      <Problem problem={problem} />
      {mayCommit ? null : <p class="quiet">{common.readOnly}</p>}
      {value === undefined && problem === undefined ? <p class="quiet">{common.loading}</p> : null}
      {value === undefined || !mayCommit ? null : <Wizard first={value.rows} />}
    </>
  );
}

function Wizard({ first }: { readonly first: readonly SetupRow[] }) {
  const { setup: words, common } = useWords();
  const { setPending, say } = useSigned();
  const go = useGo();
  const [typed, setTyped] = useState<readonly TypedRow[]>(() => typedOf(first));
  const [check, setCheck] = useState<SetupCheck>();
  const [refused, setRefused] = useState<Refusal>();
  const [isReviewing, setReviewing] = useState(false);
  const rows = typed.filter((row) => !isBlankRow(row)).map(readTyped);
  const rested = useRested(rows, REST_MS);
  useEffect(() => {
    let isOver = false;
    checkSetup(rested).then(
      (answer) => !isOver && setCheck(answer),
      (error: Refusal) => !isOver && setRefused(error),
    );
    return () => {
      isOver = true;
    };
  }, [rested]);
  const isSound = check !== undefined && check.faults.length === 0 && JSON.stringify(rested) === JSON.stringify(rows);
  const commit = async (): Promise<void> => {
    try {
      const { version } = await commitSetup(rows, check!.version);
      setPending();
      say(words.done(version));
      go(addressOf(['network', 'smtp-routes']));
    } catch (error) {
      setRefused(error as Refusal);
      setReviewing(false);
    }
  };
  if (isReviewing && check !== undefined)
    return (
      <section class="box wide" aria-labelledby="review">
        <h2 id="review">{words.reviewTitle}</h2>
        {check.differences.length === 0 ? <p>{words.nothing}</p> : <DifferenceList differences={check.differences} />}
        <Warnings warnings={[...check.hints, ...check.warnings]} />
        <div class="buttons">
          <button type="button" onClick={() => setReviewing(false)}>
            {words.back}
          </button>
          <button type="button" class="primary" disabled={check.differences.length === 0} onClick={() => void commit()}>
            {words.commit}
          </button>
        </div>
      </section>
    );
  return (
    <form
      class="box wide"
      noValidate
      onSubmit={(event) => {
        event.preventDefault();
        if (isSound && rows.length > 0) setReviewing(true);
      }}
    >
      <Problem problem={refused} />
      <SetupRows typed={typed} faults={check?.faults ?? []} onChange={setTyped} />
      <Warnings warnings={check?.hints ?? []} />
      <div class="buttons">
        <a class="button" href={addressOf(['monitor', 'overview'])}>
          {common.cancel}
        </a>
        <button type="submit" class="primary" disabled={!isSound || rows.length === 0}>
          {words.review}
        </button>
      </div>
      <p class="hint">
        {words.cancelHint} {words.again}
      </p>
    </form>
  );
}
