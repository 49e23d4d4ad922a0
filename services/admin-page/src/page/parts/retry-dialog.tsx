import { retry } from '../api/calls.ts';
import type { RetryScope } from '../api/values.ts';
import { useWords } from '../words/words.ts';
import { OwnersNotice } from './owners-notice.tsx';
import { ReasonedDialog } from './reasoned-dialog.tsx';
import { useLoad } from './use-load.ts';

/** Tries waiting mail now (R210): how many recipients it is, and why it is done, come first. */
export function RetryDialog({ scope, onClose }: { readonly scope: RetryScope; readonly onClose: () => void }) {
  const { queue: words, common } = useWords();
  const { value, problem } = useLoad(JSON.stringify(scope), () => retry(scope, undefined));
  return (
    <ReasonedDialog
      title={words.retryTitle}
      act={words.retry}
      hint={words.retryHint}
      reasonHint={words.reasonHint}
      problem={problem}
      onAct={async (reason) => words.retried((await retry(scope, reason)).recipients)}
      onClose={onClose}
    >
      {scope.kind === 'all' ? null : (
        <p class="break">
          <strong>{scope.kind === 'domain' ? scope.domain : scope.destination}</strong>
        </p>
      )}
      <p role="status">{value === undefined ? common.loading : words.retryCount(value.recipients)}</p>
      {value === undefined ? null : <OwnersNotice silentOwners={value.silentOwners} />}
    </ReasonedDialog>
  );
}
