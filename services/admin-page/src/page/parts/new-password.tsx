import { useState } from 'preact/hooks';
import { useWords } from '../words/words.ts';
import { Field } from './field.tsx';

export const LEAST_PASSWORD = 12;

/** A password, typed twice. */
export function NewPassword({
  label,
  onChange,
}: {
  readonly label: string;
  readonly onChange: (password: string | undefined) => void;
}) {
  const { firstAdministrator: words } = useWords();
  const [first, setFirst] = useState('');
  const [second, setSecond] = useState('');
  const change = (one: string, other: string): void => {
    setFirst(one);
    setSecond(other);
    onChange(one === other && one.length >= LEAST_PASSWORD ? one : undefined);
  };
  return (
    <>
      <Field
        id="new-password"
        label={label}
        hint={words.passwordHint}
        faults={first !== '' && first.length < LEAST_PASSWORD ? [words.short] : []}
      >
        {(bind) => (
          <input
            {...bind}
            type="password"
            autocomplete="new-password"
            required
            onInput={(event) => change(event.currentTarget.value, second)}
          />
        )}
      </Field>
      <Field id="again" label={words.again} faults={second !== '' && second !== first ? [words.differs] : []}>
        {(bind) => (
          <input
            {...bind}
            type="password"
            autocomplete="new-password"
            required
            onInput={(event) => change(first, event.currentTarget.value)}
          />
        )}
      </Field>
    </>
  );
}
