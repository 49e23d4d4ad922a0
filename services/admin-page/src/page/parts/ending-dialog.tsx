import { endRecipients } from '../api/calls.ts';
import type { Ending } from '../api/values.ts';
import { useWords } from '../words/words.ts';
import { OwnersNotice } from './owners-notice.tsx';
import { ReasonedDialog } from './reasoned-dialog.tsx';
import { useLoad } from './use-load.ts';

/** Removes or bounces what waits behind a destination (R212): how many recipients it is, and why it is done, come first. */
export function EndingDialog(props: {
  readonly destination: string;
  readonly ending: Ending;
  readonly onClose: () => void;
}) {
  const { destination, ending, onClose } = props;
  const { queue, common } = useWords();
  const words = queue.endings[ending];
  const { value, problem } = useLoad(`${ending} ${destination}`, () => endRecipients(destination, ending, undefined));
  const end = async (reason: string): Promise<string> => {
    const { recipients, leftAlone } = await endRecipients(destination, ending, reason);
    return `${words.done(recipients)}${leftAlone === 0 ? '' : ` ${queue.leftAlone(leftAlone)}`}`;
  };
  return (
    <ReasonedDialog
      title={words.title}
      act={words.act}
      hint={words.hint}
      reasonHint={queue.endingReasonHint}
      problem={problem}
      onAct={end}
      onClose={onClose}
    >
      <p class="break">
        <strong>{destination}</strong>
      </p>
      <p role="status">{value === undefined ? common.loading : words.count(value.recipients)}</p>
      {value === undefined ? null : <OwnersNotice silentOwners={value.silentOwners} />}
    </ReasonedDialog>
  );
}
