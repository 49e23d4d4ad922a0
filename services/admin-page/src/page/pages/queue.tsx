import { useState } from 'preact/hooks';
import { CheckBox } from '../parts/check-box.tsx';
import { listDestinations, listSuspensions } from '../api/calls.ts';
import { addressOf, replaceAddress } from '../parts/address.ts';
import { DestinationTable } from '../parts/destination-table.tsx';
import { Problem } from '../parts/notice.tsx';
import { OldestMessages } from '../parts/oldest-messages.tsx';
import { OwnersNotice } from '../parts/owners-notice.tsx';
import { PageHead } from '../parts/page-head.tsx';
import { Pager } from '../parts/pager.tsx';
import { RetryDialog } from '../parts/retry-dialog.tsx';
import { SearchBox } from '../parts/search-box.tsx';
import { useMay } from '../parts/session.ts';
import { SuspendDialog } from '../parts/suspend-dialog.tsx';
import { SuspensionNotice } from '../parts/suspension-notice.tsx';
import { useLoad } from '../parts/use-load.ts';
import { useWords } from '../words/words.ts';

const PLACE = ['monitor', 'queue'];
const LIMIT = 50;
const LIVE_MS = 3_000;

/** Every destination with waiting mail or connections, live (R213). */
export function QueuePage({ query }: { readonly query: URLSearchParams }) {
  const { queue: words, suspensions, menu, common } = useWords();
  const mayAct = useMay('operator');
  const [isLive, setLive] = useState(true);
  const [isRetrying, setRetrying] = useState(false);
  const [isSuspending, setSuspending] = useState(false);
  const search = query.get('search') ?? '';
  const sort = query.get('sort') ?? '-waiting';
  const offset = Number(query.get('offset') ?? 0);
  const key = JSON.stringify([search, sort, offset]);
  const { value, problem, reload } = useLoad(
    key,
    () => listDestinations(search, sort, offset),
    isLive ? LIVE_MS : undefined,
  );
  const resting = useLoad('suspensions', listSuspensions, LIVE_MS);
  const show = (changes: Readonly<Record<string, string | number>>): void =>
    replaceAddress(addressOf(PLACE, { search, sort, offset, ...changes }));
  return (
    <>
      <PageHead place={[menu.monitor]} title={words.title}>
        <CheckBox isChecked={isLive} onChange={setLive} hint={common.liveHint}>
          {common.live}
        </CheckBox>
        {mayAct ? (
          <>
            <button type="button" onClick={() => setRetrying(true)}>
              {words.retryAll}
            </button>
            <button type="button" onClick={() => setSuspending(true)}>
              {suspensions.openSuspendAll}
            </button>
          </>
        ) : null}
      </PageHead>
      <Problem problem={problem ?? resting.problem} />
      <SuspensionNotice
        suspensions={(resting.value?.suspensions ?? []).filter(({ part }) => part === 'delivery')}
        onResumed={resting.reload}
      />
      <SearchBox label={words.searchLabel} text={search} onSearch={(text) => show({ search: text, offset: 0 })} />
      {value === undefined && problem === undefined ? <p class="quiet">{common.loading}</p> : null}
      {value === undefined ? null : (
        <>
          <OwnersNotice silentOwners={value.silentOwners} unownedPartitions={value.unownedPartitions} />
          {value.found === 0 ? (
            <p class="quiet">{search === '' ? words.empty : words.nothingFound}</p>
          ) : (
            <DestinationTable
              destinations={value.destinations}
              sort={sort}
              onSort={(next) => show({ sort: next, offset: 0 })}
            />
          )}
          <div class="under">
            <p class="hint">{words.since}</p>
            <Pager offset={offset} limit={LIMIT} found={value.found} onGo={(next) => show({ offset: next })} />
          </div>
          <OldestMessages />
        </>
      )}
      {isSuspending ? (
        <SuspendDialog
          scope={{ part: 'delivery' }}
          onClose={() => {
            setSuspending(false);
            resting.reload();
          }}
        />
      ) : null}
      {isRetrying ? (
        <RetryDialog
          scope={{ kind: 'all' }}
          onClose={() => {
            setRetrying(false);
            reload();
          }}
        />
      ) : null}
    </>
  );
}
