import { useState } from 'preact/hooks';
import { listRecipients, listSuspensions, readDestination } from '../api/calls.ts';
import type { Destination, Ending, Suspension } from '../api/values.ts';
import { addressOf } from '../parts/address.ts';
import { DestinationTable } from '../parts/destination-table.tsx';
import { EndingDialog } from '../parts/ending-dialog.tsx';
import { HostState } from '../parts/host-state.tsx';
import { Notice, Problem } from '../parts/notice.tsx';
import { OldestMessages } from '../parts/oldest-messages.tsx';
import { OwnersNotice } from '../parts/owners-notice.tsx';
import { PageHead } from '../parts/page-head.tsx';
import { RetryDialog } from '../parts/retry-dialog.tsx';
import { useMay } from '../parts/session.ts';
import { SuspendDialog } from '../parts/suspend-dialog.tsx';
import { SuspensionNotice } from '../parts/suspension-notice.tsx';
import { useLoad } from '../parts/use-load.ts';
import { WaitingRecipients } from '../parts/waiting-recipients.tsx';
import { When } from '../parts/when.tsx';
import { useWords } from '../words/words.ts';

const LIVE_MS = 3_000;
const ENDINGS: readonly Ending[] = ['bounce', 'remove'];

/** One destination: its hosts, and who waits for it. */
export function DestinationPage({ destination }: { readonly destination: string }) {
  const { queue: words, suspensions, menu, common } = useWords();
  const mayAct = useMay('operator');
  const [isRetrying, setRetrying] = useState(false);
  const [isSuspending, setSuspending] = useState(false);
  const [ending, setEnding] = useState<Ending>();
  const [cursors, setCursors] = useState<readonly string[]>([]);
  const { value, problem, reload } = useLoad(destination, () => readDestination(destination), LIVE_MS);
  const cursor = cursors.at(-1);
  const recipients = useLoad(`${destination} ${cursor ?? ''}`, () => listRecipients(destination, cursor), LIVE_MS);
  const resting = useLoad('suspensions', listSuspensions, LIVE_MS);
  const isGone = problem?.status === 404;
  return (
    <>
      <PageHead
        place={[menu.monitor, { text: words.title, href: addressOf(['monitor', 'queue']) }]}
        title={destination}
      >
        {mayAct && !isGone ? (
          <>
            <button type="button" onClick={() => setRetrying(true)}>
              {words.retryOne}
            </button>
            <button type="button" onClick={() => setSuspending(true)}>
              {suspensions.openSuspend}
            </button>
            {ENDINGS.map((one) => (
              <button key={one} type="button" onClick={() => setEnding(one)}>
                {words.endings[one].open}
              </button>
            ))}
          </>
        ) : null}
      </PageHead>
      <SuspensionNotice
        suspensions={(resting.value?.suspensions ?? []).filter((one) => concerns(one, destination, value?.domains))}
        onResumed={resting.reload}
      />
      {isGone ? <Notice tone="info">{words.gone}</Notice> : <Problem problem={problem ?? resting.problem} />}
      {value === undefined && problem === undefined ? <p class="quiet">{common.loading}</p> : null}
      {value === undefined || isGone ? null : (
        <>
          <DestinationTable destinations={[value]} />
          <Hosts destination={value} />
          <section aria-labelledby="recipients">
            <h2 id="recipients">{words.recipients}</h2>
            <Problem problem={recipients.problem} />
            {recipients.value === undefined ? null : (
              <>
                <OwnersNotice silentOwners={recipients.value.silentOwners} />
                <WaitingRecipients recipients={recipients.value.recipients} />
                <div class="pager">
                  <button
                    type="button"
                    disabled={cursors.length === 0}
                    onClick={() => setCursors(cursors.slice(0, -1))}
                  >
                    {common.previous}
                  </button>
                  <button
                    type="button"
                    disabled={recipients.value.nextCursor === undefined}
                    onClick={() => setCursors([...cursors, recipients.value!.nextCursor!])}
                  >
                    {common.next}
                  </button>
                </div>
              </>
            )}
          </section>
          <OldestMessages destination={destination} />
        </>
      )}
      {isSuspending ? (
        <SuspendDialog
          scope={{ part: 'delivery', destination }}
          onClose={() => {
            setSuspending(false);
            resting.reload();
          }}
        />
      ) : null}
      {ending === undefined ? null : (
        <EndingDialog
          destination={destination}
          ending={ending}
          onClose={() => {
            setEnding(undefined);
            reload();
            recipients.reload();
          }}
        />
      )}
      {isRetrying ? (
        <RetryDialog
          scope={{ kind: 'destination', destination }}
          onClose={() => {
            setRetrying(false);
            reload();
            recipients.reload();
          }}
        />
      ) : null}
    </>
  );
}

/** Whether a suspension keeps mail from this destination, or from one of its domains that are told. */
function concerns(suspension: Suspension, ours: string, domains: readonly string[] = []): boolean {
  const { part, domain, destination } = suspension;
  if (part !== 'delivery') return false;
  if (domain !== undefined) return domains.includes(domain);
  return destination === undefined || destination === ours;
}

function Hosts({ destination: { hosts, domains, domainCount } }: { readonly destination: Destination }) {
  const { queue: words } = useWords();
  return (
    <div class="columns">
      <section aria-labelledby="hosts">
        <h2 id="hosts">{words.hosts}</h2>
        {hosts.length === 0 ? (
          <p class="quiet">–</p>
        ) : (
          <ul class="hosts">
            {hosts.map(({ host, state, downUntil }) => (
              <li key={host}>
                <HostState state={state} /> <span class="break">{host}</span>
                {state === 'down' && downUntil !== undefined ? (
                  <small>
                    {' '}
                    ({words.downUntil}: <When at={downUntil} />)
                  </small>
                ) : null}
              </li>
            ))}
          </ul>
        )}
      </section>
      <section aria-labelledby="domains">
        <h2 id="domains">{words.domains}</h2>
        <p class="break">
          {domains.join(', ')} {domainCount > domains.length ? words.moreDomains(domainCount - domains.length) : null}
        </p>
      </section>
    </div>
  );
}
