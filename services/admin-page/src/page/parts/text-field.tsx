import type { ComponentChildren } from 'preact';
import { useWords } from '../words/words.ts';
import { Field } from './field.tsx';
import type { ItemForm, Misfits } from './item-editor.tsx';

export interface TextFieldProps {
  /** As faults name it. */
  readonly name: string;
  readonly label: ComponentChildren;
  readonly hint?: string | undefined;
  readonly value: string;
  readonly faults: readonly string[];
  readonly placeholder?: string | undefined;
  /** A number, or little more. */
  readonly isShort?: boolean;
  /** Several lines. */
  readonly rows?: number;
  readonly onInput: (text: string) => void;
}

/** The id of a field whose faults are named so. */
export function idOf(name: string): string {
  return name.replaceAll(/[^A-Za-z0-9_-]/g, '-');
}

/** A text that is typed, with what is wrong with it. */
export function TextField({ name, label, hint, value, faults, placeholder, isShort, rows, onInput }: TextFieldProps) {
  return (
    <Field id={idOf(name)} label={label} hint={hint} faults={faults}>
      {(bind) => {
        const rest = {
          ...bind,
          value,
          autocomplete: 'off' as const,
          autocapitalize: 'none' as const,
          spellcheck: false,
          ...(placeholder === undefined ? {} : { placeholder }),
        };
        return rows === undefined ? (
          <input
            {...rest}
            class={isShort === true ? 'short' : ''}
            {...(isShort === true ? { inputMode: 'numeric' as const } : {})}
            onInput={(event) => onInput(event.currentTarget.value)}
          />
        ) : (
          <textarea {...rest} rows={rows} onInput={(event) => onInput(event.currentTarget.value)} />
        );
      }}
    </Field>
  );
}

/** The field by which an item is named; where that is settled, its name. */
export function NameField<D extends object>({
  form,
  name,
  label,
  hint,
  settled = form.draft[name] as string,
}: {
  readonly form: ItemForm<D>;
  readonly name: keyof D & string;
  readonly label: string;
  readonly hint: string;
  /** What it is called where it is not typed. */
  readonly settled?: string;
}) {
  if (!form.isNamed) return <TextField {...bindText(form, name)} label={label} hint={hint} />;
  return (
    <p>
      <strong class="break">{settled}</strong>
    </p>
  );
}

/** One of several values; '' is the first where nothing is said. */
export function ChoiceField({
  name,
  label,
  hint,
  value,
  options,
  faults,
  onChange,
}: {
  readonly name: string;
  readonly label: string;
  readonly hint?: string | undefined;
  readonly value: string;
  readonly options: readonly (readonly [value: string, text: string])[];
  readonly faults: readonly string[];
  readonly onChange: (value: string) => void;
}) {
  return (
    <Field id={idOf(name)} label={label} hint={hint} faults={faults}>
      {(bind) => (
        <select {...bind} value={value} onChange={(event) => onChange(event.currentTarget.value)}>
          {options.map(([each, text]) => (
            <option key={each} value={each}>
              {text}
            </option>
          ))}
        </select>
      )}
    </Field>
  );
}

/** A field of a form by the name that it has in its draft. */
export function bindText<D extends object>(
  { draft, change, faultsOf }: ItemForm<D>,
  name: keyof D & string,
): Pick<TextFieldProps, 'name' | 'value' | 'faults' | 'onInput'> {
  return {
    name,
    value: draft[name] as string,
    faults: faultsOf(name),
    onInput: (text) => change({ [name]: text } as Partial<D>),
  };
}

/** The same for one of several values. */
export function bindChoice<D extends object>(form: ItemForm<D>, name: keyof D & string) {
  const { onInput, ...bound } = bindText(form, name);
  return { ...bound, onChange: onInput };
}

/** A whole number as it is typed; undefined where there is none. */
export function numberOf(text: string): number | undefined {
  return isWhole(text) && text.trim() !== '' ? Number(text) : undefined;
}

function isWhole(text: string): boolean {
  return /^\s*\d{0,9}\s*$/.test(text);
}

/** What is typed where a number belongs and is none. */
export function useNumberMisfits(): <D extends object>(draft: D, names: readonly (keyof D & string)[]) => Misfits {
  const { items } = useWords();
  return (draft, names) =>
    Object.fromEntries(
      names.filter((name) => !isWhole(draft[name] as string)).map((name) => [name, items.numberFault]),
    );
}

/** An item without what is not said. */
export function said<T extends object>(item: { readonly [K in keyof T]: T[K] | undefined }): T {
  return Object.fromEntries(Object.entries(item).filter(([, value]) => value !== undefined)) as T;
}
