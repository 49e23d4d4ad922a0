import { listSuspensions, readOverview } from '../api/calls.ts';
import type { Ledger } from '../api/values.ts';
import { addressOf } from '../parts/address.ts';
import { DestinationTable } from '../parts/destination-table.tsx';
import { Notice, Problem } from '../parts/notice.tsx';
import { OwnersNotice } from '../parts/owners-notice.tsx';
import { PageHead } from '../parts/page-head.tsx';
import { RatePlot } from '../parts/rate-plot.tsx';
import { useMay } from '../parts/session.ts';
import { SuspensionNotice } from '../parts/suspension-notice.tsx';
import { useLoad } from '../parts/use-load.ts';
import { useWords } from '../words/words.ts';

const LIVE_MS = 3_000;

/** The ledger's sum, the rates, and where most mail waits. */
export function OverviewPage() {
  const { overview: words, menu, common } = useWords();
  const mayChange = useMay('administrator');
  const { value, problem } = useLoad('overview', readOverview, LIVE_MS);
  const resting = useLoad('suspensions', listSuspensions, LIVE_MS);
  return (
    <>
      <PageHead place={[menu.monitor]} title={words.title} />
      <Problem problem={problem ?? resting.problem} />
      <SuspensionNotice suspensions={resting.value?.suspensions ?? []} onResumed={resting.reload} />
      {value === undefined && problem === undefined ? <p class="quiet">{common.loading}</p> : null}
      {value === undefined ? null : (
        <>
          {value.needsSetup ? (
            <Notice tone="warning">
              {words.setup} {mayChange ? <a href={addressOf(['system', 'setup'])}>{words.startSetup}</a> : null}
            </Notice>
          ) : null}
          <OwnersNotice silentOwners={value.silentOwners} unownedPartitions={value.unownedPartitions} />
          <section aria-labelledby="ledger">
            <h2 id="ledger">{words.ledger}</h2>
            {value.ledger === undefined ? (
              <Notice tone="warning">{words.ledgerAway}</Notice>
            ) : (
              <LedgerSum ledger={value.ledger} />
            )}
            <p class="hint">{words.ledgerHint}</p>
            {value.outcomeUnknown > 0 ? <Notice tone="warning">{words.unknown(value.outcomeUnknown)}</Notice> : null}
          </section>
          <div class="columns">
            <section aria-labelledby="rates">
              <h2 id="rates">{words.rates}</h2>
              <div class="scroll">
                <table>
                  <thead>
                    <tr>
                      <td />
                      <th scope="col" class="number">
                        {words.accepted}
                      </th>
                      <th scope="col" class="number">
                        {words.delivered}
                      </th>
                      <th scope="col" class="number">
                        {words.bounced}
                      </th>
                    </tr>
                  </thead>
                  <tbody>
                    {value.rates.map(({ minutes, accepted, delivered, bounced }) => (
                      <tr key={minutes}>
                        <th scope="row">{words.over(minutes)}</th>
                        <td class="number">{Math.round(accepted).toLocaleString()}</td>
                        <td class="number">{Math.round(delivered).toLocaleString()}</td>
                        <td class="number">{Math.round(bounced).toLocaleString()}</td>
                      </tr>
                    ))}
                  </tbody>
                </table>
              </div>
              <p class="hint">{words.ratesHint}</p>
            </section>
            <section aria-labelledby="plot">
              <h2 id="plot">{words.plot}</h2>
              <RatePlot minutes={value.minutes} />
            </section>
          </div>
          <section aria-labelledby="destinations">
            <h2 id="destinations">{words.destinations}</h2>
            {value.destinations.length === 0 ? (
              <p class="quiet">{words.nothingWaits}</p>
            ) : (
              <DestinationTable destinations={value.destinations} />
            )}
            <p>
              <a href={addressOf(['monitor', 'queue'])}>{words.allDestinations(value.destinationCount)}</a>
            </p>
          </section>
        </>
      )}
    </>
  );
}

function LedgerSum({ ledger }: { readonly ledger: Ledger }) {
  const { overview: words } = useWords();
  const parts = ['delivered', 'bounced', 'expired', 'dropped', 'removed', 'waiting'] as const;
  return (
    <dl class="ledger">
      <div class="sum">
        <dt>{words.accepted}</dt>
        <dd>{ledger.accepted.toLocaleString()}</dd>
      </div>
      {parts.map((part) => (
        <div key={part} class={part}>
          <dt>{words[part]}</dt>
          <dd>{ledger[part].toLocaleString()}</dd>
        </div>
      ))}
    </dl>
  );
}
