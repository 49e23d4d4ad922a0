import { useState } from 'preact/hooks';
import { suspend } from '../api/calls.ts';
import type { SuspensionScope } from '../api/values.ts';
import { useWords } from '../words/words.ts';
import { Field } from './field.tsx';
import { ReasonedDialog } from './reasoned-dialog.tsx';
import { suspensionText } from './suspension-text.ts';

/** For how long, in minutes; 0 until it is resumed. */
const SPANS = [60, 480, 1440, 0] as const;

/** Suspends delivery (R211), with a reason and an end. */
export function SuspendDialog(props: { readonly scope: SuspensionScope; readonly onClose: () => void }) {
  const { scope, onClose } = props;
  const all = useWords();
  const { suspensions: words } = all;
  const [minutes, setMinutes] = useState(0);
  const what = suspensionText(scope, all);
  return (
    <ReasonedDialog
      title={words.suspendTitle}
      act={words.suspend}
      hint={words.suspendHint}
      reasonHint={words.reasonHint}
      onAct={async (reason) => {
        await suspend(scope, minutes === 0 ? undefined : minutes, reason);
        return words.suspended(what);
      }}
      onClose={onClose}
      field={
        <Field id="minutes" label={words.howLong}>
          {(bind) => (
            <select {...bind} value={minutes} onChange={(event) => setMinutes(Number(event.currentTarget.value))}>
              {SPANS.map((span) => (
                <option key={span} value={span}>
                  {words.spans[span]}
                </option>
              ))}
            </select>
          )}
        </Field>
      }
    >
      <p class="break">
        <strong>{what}</strong>
      </p>
    </ReasonedDialog>
  );
}
