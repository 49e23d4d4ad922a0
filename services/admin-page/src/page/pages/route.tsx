import { useEffect, useState } from 'preact/hooks';
import { CheckBox } from '../parts/check-box.tsx';
import { checkRoute, listAuthProfiles, listRoutes, readRoute, submitEdits } from '../api/calls.ts';
import type { Refusal } from '../api/client.ts';
import type { Covers, Fault, RouteCheck } from '../api/values.ts';
import { addressOf, useGo } from '../parts/address.ts';
import { CoverText } from '../parts/cover-text.tsx';
import { DestinationRows } from '../parts/destination-rows.tsx';
import { Field, useFaultText } from '../parts/field.tsx';
import { Notice, Problem, Warnings } from '../parts/notice.tsx';
import { PageHead } from '../parts/page-head.tsx';
import {
  draftOf,
  editsOf,
  emptyDraft,
  faultsOf,
  filledRows,
  type RouteDraft,
  routeOf,
  type Target,
} from '../parts/route-draft.ts';
import { useSigned } from '../parts/session.ts';
import { useLoad, useRested } from '../parts/use-load.ts';
import { useWords } from '../words/words.ts';

const PLACE = ['network', 'smtp-routes'];
const REST_MS = 150;

/** Add or edit a route (R202, R203, R38). @param editing absent: a new one */
export function RoutePage({ editing }: { readonly editing: string | undefined }) {
  const { routeForm: words, routes, menu, common } = useWords();
  const read = async () =>
    editing === undefined
      ? { ...(await listRoutes({ limit: 1 })), route: undefined, changedBy: undefined, covers: undefined }
      : readRoute(editing);
  const { value, problem } = useLoad(editing ?? '', read);
  const title = editing === undefined ? words.add : words.edit;
  return (
    <>
      <PageHead place={[menu.network, { text: routes.title, href: addressOf(PLACE) }]} title={title} />
      {problem?.code === 'ROUTE_NOT_FOUND' || problem?.status === 404 ? (
        <Notice tone="warning">{words.gone}</Notice>
      ) : (
        <Problem problem={problem} />
      )}
      {value === undefined && problem === undefined ? <p class="quiet">{common.loading}</p> : null}
      {value?.route?.pending === 'removed' ? <Notice tone="warning">{words.isRemoved}</Notice> : null}
      {value === undefined ? null : (
        <RouteForm
          first={value.route === undefined ? emptyDraft() : draftOf(value.route)}
          editing={value.route?.pending === 'removed' ? undefined : value.route?.receivingDomain}
          version={value.version}
          mode={value.mode}
          covers={value.covers}
          lastChange={
            value.changedBy === undefined ? '' : words.changedBy(value.changedBy.author, value.changedBy.version)
          }
        />
      )}
    </>
  );
}

function RouteForm({
  first,
  editing,
  version,
  mode,
  covers,
  lastChange,
}: {
  readonly first: RouteDraft;
  readonly editing: string | undefined;
  readonly version: number;
  readonly mode: 'covering' | 'dotted';
  /** Of the entry as it is: shown from the start, so that nothing moves when it has been judged. */
  readonly covers: Covers | undefined;
  readonly lastChange: string;
}) {
  const { routeForm: words, routes, common } = useWords();
  const { setPending, say } = useSigned();
  const go = useGo();
  const faultText = useFaultText();
  const [draft, setDraft] = useState(first);
  const [check, setCheck] = useState<RouteCheck>();
  const [refused, setRefused] = useState<Refusal>();
  const [hasTried, setTried] = useState(false);
  const [isConfirmed, setConfirmed] = useState(false);
  const profiles = useLoad('', listAuthProfiles).value?.profiles ?? [];
  const isDefault = editing === 'ALL';
  const rested = useRested(draft, REST_MS);
  const change = (part: Partial<RouteDraft>): void => setDraft((before) => ({ ...before, ...part }));
  useEffect(() => {
    let isOver = false;
    if (rested.receivingDomain.trim() === '') setCheck(undefined);
    else
      checkRoute(routeOf(rested), editing).then(
        (answer) => !isOver && setCheck(answer),
        (error: Refusal) => !isOver && setRefused(error),
      );
    return () => {
      isOver = true;
    };
  }, [rested, editing]);
  const isEmpty = draft.target === 'hosts' && filledRows(draft).length === 0;
  const faults: readonly Fault[] =
    refused !== undefined && refused.faults.length > 0 ? refused.faults : (check?.faults ?? []);
  // What is not typed yet is no fault before somebody wants to go on.
  const shown = isEmpty && !hasTried ? faults.filter(({ field }) => field !== 'destinations') : faults;
  const textsOf = (field: string): readonly string[] => faultsOf(shown, field).map(faultText);
  const domainFaults =
    draft.receivingDomain.trim() === '' ? (hasTried ? [words.needDomain] : []) : textsOf('receivingDomain');
  const needsConfirmation = draft.receivingDomain.trim().toUpperCase() === 'ALL' && draft.target === 'null';
  const submit = async (event: SubmitEvent): Promise<void> => {
    event.preventDefault();
    setTried(true);
    if (draft.receivingDomain.trim() === '' || isEmpty || (needsConfirmation && !isConfirmed)) return;
    // Opened, looked at and submitted: nothing is to be staged.
    if (editing !== undefined && JSON.stringify(draft) === JSON.stringify(first)) {
      go(addressOf(PLACE));
      return;
    }
    try {
      const edits = editsOf(draft, mode, editing);
      setPending(await submitEdits(edits, version));
      say(routes.staged(edits.length));
      go(addressOf(PLACE));
    } catch (error) {
      setRefused(error as Refusal);
    }
  };
  const twin =
    editing !== undefined || check?.covers === undefined
      ? undefined
      : mode === 'covering' && check.covers.kind === 'domainAndBelow'
        ? words.notBelow
        : mode === 'dotted' && check.covers.kind === 'domain'
          ? words.belowToo
          : undefined;
  const targets: readonly Target[] = isDefault ? ['nothing', 'hosts', 'null'] : ['hosts', 'usedns', 'null'];
  return (
    <form class="box wide" noValidate onSubmit={(event) => void submit(event)} onInput={() => setRefused(undefined)}>
      {refused !== undefined && refused.faults.length === 0 ? <Problem problem={refused} /> : null}
      <Field
        id="receiving-domain"
        label={routes.receivingDomain}
        hint={isDefault ? undefined : words.domainHint}
        faults={domainFaults}
      >
        {(bind) =>
          isDefault ? (
            <output {...bind}>{routes.default}</output>
          ) : (
            <input
              {...bind}
              value={draft.receivingDomain}
              required
              autocomplete="off"
              autocapitalize="none"
              spellcheck={false}
              onInput={(event) => change({ receivingDomain: event.currentTarget.value })}
            />
          )
        }
      </Field>
      <CoverText covers={check === undefined ? covers : check.covers} />
      {twin === undefined ? null : (
        <CheckBox isChecked={draft.hasTwin} onChange={(isChecked) => change({ hasTwin: isChecked })}>
          {twin}
        </CheckBox>
      )}
      <fieldset>
        <legend>{words.target}</legend>
        {targets.map((target) => (
          <label key={target} class="box-label">
            <input type="radio" name="target" checked={draft.target === target} onChange={() => change({ target })} />{' '}
            {words[target]}
          </label>
        ))}
      </fieldset>
      {draft.target === 'hosts' ? (
        <DestinationRows
          draft={draft}
          faultsOf={(field) => faultsOf(shown, field)}
          onChange={(rows) => change({ rows })}
          missing={isEmpty && hasTried ? words.needHost : undefined}
        />
      ) : null}
      {draft.target === 'hosts' && (profiles.length > 0 || draft.authProfile !== '') ? (
        <Field id="auth-profile" label={words.auth} faults={textsOf('authProfile')}>
          {({ id }) => (
            <select
              id={id}
              value={draft.authProfile}
              onChange={(event) => change({ authProfile: event.currentTarget.value })}
            >
              <option value="">{words.authNone}</option>
              {profiles.map(({ name, username }) => (
                <option key={name} value={name}>
                  {name} ({username})
                </option>
              ))}
            </select>
          )}
        </Field>
      ) : null}
      {needsConfirmation ? (
        <>
          <CheckBox isChecked={isConfirmed} onChange={setConfirmed} isDangerous>
            {words.confirmNull}
          </CheckBox>
          {hasTried && !isConfirmed ? <Notice tone="bad">{words.mustConfirm}</Notice> : null}
        </>
      ) : null}
      <Warnings warnings={check?.warnings ?? []} />
      <div class="buttons">
        <a class="button" href={addressOf(PLACE)}>
          {common.cancel}
        </a>
        <button type="submit" class="primary">
          {common.submit}
        </button>
      </div>
      <p class="hint">
        {words.staged} {lastChange}
      </p>
    </form>
  );
}
