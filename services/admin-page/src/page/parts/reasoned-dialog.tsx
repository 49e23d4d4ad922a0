import type { ComponentChildren } from 'preact';
import { useState } from 'preact/hooks';
import type { Refusal } from '../api/client.ts';
import { useWords } from '../words/words.ts';
import { Dialog } from './dialog.tsx';
import { Problem } from './notice.tsx';
import { ReasonField } from './reason-field.tsx';
import { useSigned } from './session.ts';

/** Asks why before something is done, and tells on the page what was done. */
export function ReasonedDialog(props: {
  readonly title: string;
  /** What the button that does it says. */
  readonly act: string;
  readonly hint: string;
  /** Where the reason is kept. */
  readonly reasonHint: string;
  /** Does it, and says what was done. Throws a Refusal. */
  readonly onAct: (reason: string) => Promise<string>;
  readonly onClose: () => void;
  /** What could not be told of it. */
  readonly problem?: Refusal | undefined;
  /** What it is done to. */
  readonly children: ComponentChildren;
  /** What else is asked. */
  readonly field?: ComponentChildren;
}) {
  const { title, act, hint, reasonHint, onAct, onClose, problem, children, field } = props;
  const { common } = useWords();
  const { say } = useSigned();
  const [reason, setReason] = useState('');
  const [hasTried, setTried] = useState(false);
  const [isBusy, setBusy] = useState(false);
  const [refused, setRefused] = useState<Refusal>();
  const submit = async (event: Event): Promise<void> => {
    event.preventDefault();
    setTried(true);
    if (reason.trim() === '' || isBusy) return;
    setBusy(true);
    try {
      say(await onAct(reason.trim()));
      onClose();
    } catch (error) {
      setRefused(error as Refusal);
      setBusy(false);
    }
  };
  return (
    <Dialog title={title} onClose={onClose}>
      <form noValidate onSubmit={(event) => void submit(event)}>
        {children}
        <p class="hint">{hint}</p>
        <Problem problem={problem ?? refused} />
        {field}
        <ReasonField
          reason={reason}
          hint={reasonHint}
          isMissing={hasTried && reason.trim() === ''}
          onInput={setReason}
        />
        <div class="buttons">
          <button type="button" onClick={onClose}>
            {common.cancel}
          </button>
          <button type="submit" class="primary" disabled={isBusy}>
            {act}
          </button>
        </div>
      </form>
    </Dialog>
  );
}
