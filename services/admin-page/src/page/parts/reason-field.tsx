import { useWords } from '../words/words.ts';
import { Field } from './field.tsx';

/** Why something is done to waiting mail. @param isMissing it was sent off without one */
export function ReasonField(props: {
  readonly reason: string;
  readonly hint: string;
  readonly isMissing: boolean;
  readonly onInput: (reason: string) => void;
}) {
  const { queue: words } = useWords();
  const { reason, hint, isMissing, onInput } = props;
  return (
    <Field id="reason" label={words.reason} hint={hint} faults={isMissing ? [words.needReason] : []}>
      {(bind) => (
        <input
          {...bind}
          value={reason}
          maxLength={1000}
          required
          onInput={(event) => onInput(event.currentTarget.value)}
        />
      )}
    </Field>
  );
}
