import type { Fault, SetupRow } from '../api/values.ts';
import { useWords } from '../words/words.ts';
import { Field, useFaultText } from './field.tsx';

/** A row of the wizard as it is typed. */
export interface TypedRow {
  readonly id: number;
  readonly domain: string;
  readonly hosts: string;
}

let made = 0;

const newRow = (domain = '', hosts = ''): TypedRow => ({ id: ++made, domain, hosts });

export function typedOf(rows: readonly SetupRow[]): readonly TypedRow[] {
  return rows.length === 0
    ? [newRow()]
    : rows.map(({ domain, destinations }) => newRow(domain, destinations.join(', ')));
}

export function readTyped({ domain, hosts }: TypedRow): SetupRow {
  const destinations = hosts.split(',').map((host) => host.trim());
  return { domain: domain.trim(), destinations: destinations.filter((host) => host !== '') };
}

export function isBlankRow({ domain, hosts }: TypedRow): boolean {
  return `${domain}${hosts}`.trim() === '';
}

const FIELD = /^rows\[(\d+)\]\.(domain|destinations)/;

/** Receiving domain and hosts, row by row (R171). */
export function SetupRows({
  typed,
  faults,
  onChange,
}: {
  readonly typed: readonly TypedRow[];
  readonly faults: readonly Fault[];
  readonly onChange: (typed: readonly TypedRow[]) => void;
}) {
  const { setup: words } = useWords();
  const faultText = useFaultText();
  const change = (id: number, part: Partial<TypedRow>): void =>
    onChange(typed.map((row) => (row.id === id ? { ...row, ...part } : row)));
  const add = (): void => {
    const row = newRow();
    onChange([...typed, row]);
    requestAnimationFrame(() => document.getElementById(`domain-${row.id}`)?.focus());
  };
  let filled = -1;
  return (
    <>
      <div class="rows">
        {typed.map((row, index) => {
          if (!isBlankRow(row)) filled++;
          const textsOf = (field: string): readonly string[] =>
            isBlankRow(row)
              ? []
              : faults
                  .filter(({ field: place }) => {
                    const match = FIELD.exec(place ?? '');
                    return match !== null && Number(match[1]) === filled && match[2] === field;
                  })
                  .map(faultText);
          return (
            <div class="row pair" key={row.id} role="group" aria-label={words.row(index + 1)}>
              <Field id={`domain-${row.id}`} label={words.domain} faults={textsOf('domain')}>
                {(bind) => (
                  <input
                    {...bind}
                    value={row.domain}
                    placeholder="example.com"
                    autocomplete="off"
                    autocapitalize="none"
                    spellcheck={false}
                    onInput={(event) => change(row.id, { domain: event.currentTarget.value })}
                  />
                )}
              </Field>
              <Field
                id={`hosts-${row.id}`}
                label={words.hosts}
                hint={index === 0 ? words.hostsHint : undefined}
                faults={textsOf('destinations')}
              >
                {(bind) => (
                  <input
                    {...bind}
                    value={row.hosts}
                    placeholder="mail.example.com:25"
                    autocomplete="off"
                    autocapitalize="none"
                    spellcheck={false}
                    onInput={(event) => change(row.id, { hosts: event.currentTarget.value })}
                  />
                )}
              </Field>
              <button
                type="button"
                class="plain remove"
                aria-label={words.removeRow(index + 1)}
                disabled={typed.length === 1}
                onClick={() => onChange(typed.filter(({ id }) => id !== row.id))}
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
    </>
  );
}
