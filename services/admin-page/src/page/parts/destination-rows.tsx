import { useRef } from 'preact/hooks';
import type { Fault } from '../api/values.ts';
import { useWords } from '../words/words.ts';
import { type DestinationRow, emptyRow, isBlank } from './destination-row.ts';
import { Field, useFaultText } from './field.tsx';
import type { RouteDraft } from './route-draft.ts';

/** The destination hosts of an entry, one a row (R202). */
export function DestinationRows({
  draft: { rows },
  faultsOf,
  missing,
  onChange,
}: {
  readonly draft: RouteDraft;
  /** The faults of `destinations[N]`, N counting the rows that are filled. */
  readonly faultsOf: (field: string) => readonly Fault[];
  readonly missing: string | undefined;
  readonly onChange: (rows: readonly DestinationRow[]) => void;
}) {
  const { routeForm: words, routes } = useWords();
  const faultText = useFaultText();
  const list = useRef<HTMLDivElement>(null);
  const change = (id: number, part: Partial<DestinationRow>): void =>
    onChange(rows.map((row) => (row.id === id ? { ...row, ...part } : row)));
  const add = (): void => {
    const row = emptyRow();
    onChange([...rows, row]);
    requestAnimationFrame(() => document.getElementById(`host-${row.id}`)?.focus());
  };
  const remove = (id: number): void => {
    onChange(rows.filter((row) => row.id !== id));
    list.current?.querySelector<HTMLElement>('input')?.focus();
  };
  let filled = -1;
  return (
    <fieldset>
      <legend>{routes.destinationHosts}</legend>
      <div class="rows" ref={list}>
        {rows.map((row, index) => {
          if (!isBlank(row)) filled++;
          const faults = isBlank(row) ? [] : faultsOf(`destinations[${filled}]`);
          const isGuilty = (code: string): boolean => faults.some((fault) => fault.code === code);
          // Told below the host; the box that it is about is marked.
          const isHostGuilty = faults.some(({ code }) => code !== 'ROUTE_PORT_RANGE' && code !== 'ROUTE_PRI_RANGE');
          const first =
            index === 0
              ? [...faultsOf('destinations').map(faultText), ...(missing === undefined ? [] : [missing])]
              : [];
          return (
            <div class="row" key={row.id} role="group" aria-label={words.row(index + 1)}>
              <Field
                id={`host-${row.id}`}
                label={words.host}
                hint={index === 0 ? words.hostHint : undefined}
                faults={[...first, ...faults.map(faultText)]}
              >
                {(bind) => (
                  <input
                    {...bind}
                    aria-invalid={isHostGuilty || first.length > 0 ? 'true' : undefined}
                    value={row.host}
                    autocomplete="off"
                    autocapitalize="none"
                    spellcheck={false}
                    onInput={(event) => change(row.id, { host: event.currentTarget.value })}
                  />
                )}
              </Field>
              <Field id={`port-${row.id}`} label={words.port}>
                {(bind) => (
                  <input
                    {...bind}
                    class="short"
                    aria-invalid={isGuilty('ROUTE_PORT_RANGE') ? 'true' : undefined}
                    aria-describedby={isGuilty('ROUTE_PORT_RANGE') ? `host-${row.id}-faults` : undefined}
                    inputMode="numeric"
                    placeholder="25"
                    value={row.port}
                    autocomplete="off"
                    onInput={(event) => change(row.id, { port: event.currentTarget.value })}
                  />
                )}
              </Field>
              <Field id={`priority-${row.id}`} label={words.priority}>
                {(bind) => (
                  <input
                    {...bind}
                    class="short"
                    aria-invalid={isGuilty('ROUTE_PRI_RANGE') ? 'true' : undefined}
                    aria-describedby={isGuilty('ROUTE_PRI_RANGE') ? `host-${row.id}-faults` : undefined}
                    inputMode="numeric"
                    placeholder="0"
                    value={row.priority}
                    autocomplete="off"
                    onInput={(event) => change(row.id, { priority: event.currentTarget.value })}
                  />
                )}
              </Field>
              <button
                type="button"
                class="plain remove"
                aria-label={words.removeRow(index + 1)}
                disabled={rows.length === 1}
                onClick={() => remove(row.id)}
              >
                ✕
              </button>
            </div>
          );
        })}
      </div>
      <button type="button" onClick={add}>
        {words.addRow}
      </button>
      <p class="hint">{words.priorityHint}</p>
    </fieldset>
  );
}
