import { useEffect, useState } from 'preact/hooks';
import { CheckBox } from '../parts/check-box.tsx';
import { abandon, commit, rebase } from '../api/calls.ts';
import type { Refusal } from '../api/client.ts';
import type { Pending } from '../api/values.ts';
import { addressOf, go } from '../parts/address.ts';
import { Dialog } from '../parts/dialog.tsx';
import { DifferenceList } from '../parts/difference-list.tsx';
import { FaultTable } from '../parts/fault-table.tsx';
import { Field } from '../parts/field.tsx';
import { Notice, Problem, Warnings } from '../parts/notice.tsx';
import { PageHead } from '../parts/page-head.tsx';
import { useMay, useSigned } from '../parts/session.ts';
import { WaitingEffect } from '../parts/waiting-effect.tsx';
import { useWords } from '../words/words.ts';

const LIVE_MS = 3_000;

/** What is pending: the difference, its effect, the comment, Commit Changes or Abandon (R204, R205). */
export function CommitPage() {
  const { commit: words, menu, common } = useWords();
  const { pending, setPending } = useSigned();
  // The effect is on the mail that waits now, and others may commit while one reads.
  useEffect(() => {
    setPending();
    const timer = setInterval(() => document.hidden || setPending(), LIVE_MS);
    return () => clearInterval(timer);
  }, [setPending]);
  return (
    <>
      <PageHead place={[menu.system]} title={words.title} />
      {pending === undefined ? <p class="quiet">{common.loading}</p> : null}
      {pending?.count === 0 ? <p>{words.nothing}</p> : null}
      {pending !== undefined && pending.count > 0 ? <PendingChanges pending={pending} /> : null}
    </>
  );
}

function PendingChanges({ pending }: { readonly pending: Pending }) {
  const { commit: words } = useWords();
  return (
    <>
      <Theirs pending={pending} />
      <CommitForm pending={pending} />
      <section aria-labelledby="differences">
        <h2 id="differences">{pending.theirs.length > 0 ? words.mine : words.differences}</h2>
        <DifferenceList differences={pending.differences} total={pending.differenceCount} />
      </section>
      <section aria-labelledby="effect">
        <h2 id="effect">{words.effect}</h2>
        <WaitingEffect waiting={pending.waiting} />
      </section>
    </>
  );
}

/** What others committed meanwhile: never overwritten, always shown. */
function Theirs({ pending }: { readonly pending: Pending }) {
  const { commit: words } = useWords();
  const { setPending } = useSigned();
  const [problem, setProblem] = useState<Refusal>();
  if (pending.version === pending.baseVersion) return null;
  const goOn = async (): Promise<void> => {
    try {
      setPending(await rebase(pending.version));
    } catch (error) {
      setProblem(error as Refusal);
      setPending();
    }
  };
  return (
    <section aria-labelledby="theirs">
      <h2 id="theirs">{words.theirs(pending.version)}</h2>
      <Notice tone={pending.isConflict ? 'warning' : 'info'}>
        {pending.isConflict ? words.conflict : words.disjoint}
      </Notice>
      <Problem problem={problem} />
      <DifferenceList differences={pending.theirs} />
      {pending.isConflict ? (
        <button type="button" onClick={() => void goOn()}>
          {words.rebase}
        </button>
      ) : null}
    </section>
  );
}

/** Names a commit, so that sending it again when its answer was lost commits nothing twice. */
function newId(): string {
  return `page-${Array.from(crypto.getRandomValues(new Uint8Array(12)), (octet) => octet.toString(16).padStart(2, '0')).join('')}`;
}

function CommitForm({ pending }: { readonly pending: Pending }) {
  const { commit: words, common } = useWords();
  const { setPending, say } = useSigned();
  const mayCommit = useMay('administrator');
  const [comment, setComment] = useState('');
  const [id] = useState(newId);
  const [problem, setProblem] = useState<Refusal>();
  const [isConfirmed, setConfirmed] = useState(false);
  const [isAbandoning, setAbandoning] = useState(false);
  const [isBusy, setBusy] = useState(false);
  if (!mayCommit) return <p class="quiet">{common.readOnly}</p>;
  const discardsAll = pending.differences.some(
    ({ section, key, after }) => section === 'routes' && key === 'ALL' && after?.includes('/dev/null') === true,
  );
  const asksAgain = discardsAll || problem?.code === 'CONFIRMATION_REQUIRED';
  const attempt = async (work: () => Promise<string>): Promise<void> => {
    setBusy(true);
    try {
      const said = await work();
      setPending();
      say(said);
      go(addressOf(['network', 'smtp-routes']));
    } catch (error) {
      setProblem(error as Refusal);
      setPending();
      setBusy(false);
    }
  };
  const submit = (event: Event): void => {
    event.preventDefault();
    void attempt(async () => words.committed((await commit(comment, id, isConfirmed)).version));
  };
  return (
    <>
      <Problem problem={problem} />
      {pending.faults.length > 0 ? <FaultTable faults={pending.faults} /> : null}
      <Warnings warnings={pending.warnings} />
      <form class="box" onSubmit={submit}>
        <Field id="comment" label={words.comment} hint={words.commentHint}>
          {({ id, 'aria-describedby': described }) => (
            <textarea
              id={id}
              aria-describedby={described}
              rows={2}
              maxLength={1000}
              value={comment}
              onInput={(event) => setComment(event.currentTarget.value)}
            />
          )}
        </Field>
        {asksAgain ? (
          <CheckBox isChecked={isConfirmed} onChange={setConfirmed} isDangerous>
            {words.confirmNull}
          </CheckBox>
        ) : null}
        <div class="buttons">
          <button type="button" class="danger" onClick={() => setAbandoning(true)}>
            {words.abandon}
          </button>
          <button
            type="submit"
            class="primary"
            disabled={isBusy || pending.isConflict || pending.faults.length > 0 || (asksAgain && !isConfirmed)}
          >
            {words.commit}
          </button>
        </div>
      </form>
      {isAbandoning ? (
        <Dialog title={words.abandonTitle} onClose={() => setAbandoning(false)}>
          <p>{words.abandonText(pending.count)}</p>
          <div class="buttons">
            <button type="button" onClick={() => setAbandoning(false)}>
              {common.cancel}
            </button>
            <button
              type="button"
              class="danger"
              onClick={() => {
                setAbandoning(false);
                void attempt(async () => {
                  await abandon();
                  return words.abandoned;
                });
              }}
            >
              {words.abandon}
            </button>
          </div>
        </Dialog>
      ) : null}
    </>
  );
}
