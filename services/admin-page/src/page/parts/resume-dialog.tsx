import { resume } from '../api/calls.ts';
import type { Suspension } from '../api/values.ts';
import { useWords } from '../words/words.ts';
import { ReasonedDialog } from './reasoned-dialog.tsx';
import { SuspensionFacts } from './suspension-facts.tsx';
import { suspensionText } from './suspension-text.ts';

/** Takes a suspension back (R211), with a reason. */
export function ResumeDialog(props: { readonly suspension: Suspension; readonly onClose: () => void }) {
  const { suspension, onClose } = props;
  const all = useWords();
  const { suspensions: words } = all;
  const { until: _until, reason: _reason, author: _author, ...scope } = suspension;
  return (
    <ReasonedDialog
      title={words.resumeTitle}
      act={words.resume}
      hint={words.resumeHint[suspension.part]}
      reasonHint={words.reasonHint}
      onAct={async (reason) => {
        await resume(scope, reason);
        return words.resumed(suspensionText(scope, all));
      }}
      onClose={onClose}
    >
      <SuspensionFacts suspension={suspension} />
    </ReasonedDialog>
  );
}
