import { useState } from 'preact/hooks';
import { endRecipients } from '../api/calls.ts';
import type { Refusal } from '../api/client.ts';
import type { Ending } from '../api/values.ts';
import { useWords } from '../words/words.ts';
import { Dialog } from './dialog.tsx';
import { Problem } from './notice.tsx';
import { OwnersNotice } from './owners-notice.tsx';
import { ReasonField } from './reason-field.tsx';
import { useSigned } from './session.ts';
import { useLoad } from './use-load.ts';

/** Removes or bounces what waits behind a destination (R212): how many recipients it is, and why it is done, come first. */
export function EndingDialog(props: {
  readonly destination: string;
  readonly ending: Ending;
  readonly onClose: () => void;
}) {
  const { destination, ending, onClose } = props;
  const { queue, common } = useWords();
  const { say } = useSigned();
  const words = queue.endings[ending];
  const [reason, setReason] = useState('');
  const [hasTried, setTried] = useState(false);
  const [isBusy, setBusy] = useState(false);
  const [refused, setRefused] = useState<Refusal>();
  const { value, problem } = useLoad(`${ending} ${destination}`, () => endRecipients(destination, ending, undefined));
  const submit = async (event: Event): Promise<void> => {
    event.preventDefault();
    setTried(true);
    if (reason.trim() === '' || isBusy) return;
    setBusy(true);
    try {
      const { recipients, leftAlone } = await endRecipients(destination, ending, reason.trim());
      say(`${words.done(recipients)}${leftAlone === 0 ? '' : ` ${queue.leftAlone(leftAlone)}`}`);
      onClose();
    } catch (error) {
      setRefused(error as Refusal);
      setBusy(false);
    }
  };
  return (
    <Dialog title={words.title} onClose={onClose}>
      <form noValidate onSubmit={(event) => void submit(event)}>
        <p class="break">
          <strong>{destination}</strong>
        </p>
        <p role="status">{value === undefined ? common.loading : words.count(value.recipients)}</p>
        {value === undefined ? null : <OwnersNotice silentOwners={value.silentOwners} />}
        <p class="hint">{words.hint}</p>
        <Problem problem={problem ?? refused} />
        <ReasonField
          reason={reason}
          hint={queue.endingReasonHint}
          isMissing={hasTried && reason.trim() === ''}
          onInput={setReason}
        />
        <div class="buttons">
          <button type="button" onClick={onClose}>
            {common.cancel}
          </button>
          <button type="submit" class="primary" disabled={isBusy}>
            {words.act}
          </button>
        </div>
      </form>
    </Dialog>
  );
}
