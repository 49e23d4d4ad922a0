import { useEffect, useState } from 'preact/hooks';
import { CheckBox } from '../parts/check-box.tsx';
import { abandon, commit, readPending, rebase } from '../api/calls.ts';
import type { Refusal } from '../api/client.ts';
import type { Pending, Section } from '../api/values.ts';
import { addressOf, useGo } from '../parts/address.ts';
import { Dialog } from '../parts/dialog.tsx';
import { DifferenceList } from '../parts/difference-list.tsx';
import { FaultTable } from '../parts/fault-table.tsx';
import { Field } from '../parts/field.tsx';
import { Notice, Problem, Warnings } from '../parts/notice.tsx';
import { PageHead } from '../parts/page-head.tsx';
import { PastEffect } from '../parts/past-effect.tsx';
import { useMay, useSigned } from '../parts/session.ts';
import { useLoad } from '../parts/use-load.ts';
import { WaitingEffect } from '../parts/waiting-effect.tsx';
import { useWords } from '../words/words.ts';

const LIVE_MS = 3_000;

/** What is pending: the difference, its effect, the comment, Commit Changes or Abandon (R204, R205). */
export function CommitPage() {
  const { commit: words, menu, common } = useWords();
  const { setPending } = useSigned();
  // The effect is on the mail that waits now, and others may commit while one reads.
  const { value: pending, problem, reload } = useLoad('', readPending, LIVE_MS);
  useEffect(() => {
    if (pending !== undefined) setPending(pending);
  }, [pending, setPending]);
  return (
    <>
      <PageHead place={[menu.system]} title={words.title} />
      <Problem problem={problem} />
      {pending === undefined && problem === undefined ? <p class="quiet">{common.loading}</p> : null}
      {pending?.count === 0 ? <p>{words.nothing}</p> : null}
      {pending !== undefined && pending.count > 0 ? <PendingChanges pending={pending} onChange={reload} /> : null}
    </>
  );
}

interface PendingProps {
  readonly pending: Pending;
  /** It is to be read anew. */
  readonly onChange: () => void;
}

function PendingChanges({ pending, onChange }: PendingProps) {
  const { commit: words } = useWords();
  return (
    <>
      <Theirs pending={pending} onChange={onChange} />
      <CommitForm pending={pending} onChange={onChange} />
      <section aria-labelledby="differences">
        <h2 id="differences">{pending.theirs.length > 0 ? words.mine : words.differences}</h2>
        <DifferenceList differences={pending.differences} total={pending.differenceCount} />
      </section>
      <section aria-labelledby="effect">
        <h2 id="effect">{words.effect}</h2>
        <WaitingEffect waiting={pending.waiting} />
      </section>
      {pending.differences.some(({ section }) => section === 'routes') ? (
        <PastEffect key={`${pending.version} ${pending.count}`} />
      ) : null}
    </>
  );
}

/** What others committed meanwhile: never overwritten, always shown. */
function Theirs({ pending, onChange }: PendingProps) {
  const { commit: words } = useWords();
  const [problem, setProblem] = useState<Refusal>();
  if (pending.version === pending.baseVersion) return null;
  const goOn = async (): Promise<void> => {
    try {
      await rebase(pending.version);
    } catch (error) {
      setProblem(error as Refusal);
    }
    onChange();
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

const PAGES: { readonly [S in Section]?: readonly string[] } = {
  recipientAccess: ['mail-policies', 'rat'],
  destinationControls: ['mail-policies', 'destination-controls'],
  hostAccess: ['mail-policies', 'hat'],
  mailFlowPolicies: ['mail-policies', 'flow-policies'],
  bounceProfiles: ['network', 'bounce-profiles'],
};

/** Where one goes on when a change of this section is done. */
function pageOf(section: Section | undefined): readonly string[] {
  return (section && PAGES[section]) ?? ['network', 'smtp-routes'];
}

/** Names a commit, so that sending it again when its answer was lost commits nothing twice. */
function newId(): string {
  return `page-${Array.from(crypto.getRandomValues(new Uint8Array(12)), (octet) => octet.toString(16).padStart(2, '0')).join('')}`;
}

function CommitForm({ pending, onChange }: PendingProps) {
  const { commit: words, common } = useWords();
  const { setPending, say } = useSigned();
  const go = useGo();
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
      go(addressOf(pageOf(pending.differences[0]?.section)));
    } catch (error) {
      setProblem(error as Refusal);
      onChange();
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
