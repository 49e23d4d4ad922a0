import { useState } from 'preact/hooks';
import { retry } from '../api/calls.ts';
import type { Refusal } from '../api/client.ts';
import type { RetryScope } from '../api/values.ts';
import { useWords } from '../words/words.ts';
import { Dialog } from './dialog.tsx';
import { Problem } from './notice.tsx';
import { OwnersNotice } from './owners-notice.tsx';
import { ReasonField } from './reason-field.tsx';
import { useSigned } from './session.ts';
import { useLoad } from './use-load.ts';

/** Tries waiting mail now (R210): how many recipients it is, and why it is done, come first. */
export function RetryDialog({ scope, onClose }: { readonly scope: RetryScope; readonly onClose: () => void }) {
  const { queue: words, common } = useWords();
  const { say } = useSigned();
  const [reason, setReason] = useState('');
  const [hasTried, setTried] = useState(false);
  const [refused, setRefused] = useState<Refusal>();
  const { value, problem } = useLoad(JSON.stringify(scope), () => retry(scope, undefined));
  const submit = async (event: Event): Promise<void> => {
    event.preventDefault();
    setTried(true);
    if (reason.trim() === '') return;
    try {
      const { recipients } = await retry(scope, reason.trim());
      say(words.retried(recipients));
      onClose();
    } catch (error) {
      setRefused(error as Refusal);
    }
  };
  return (
    <Dialog title={words.retryTitle} onClose={onClose}>
      <form noValidate onSubmit={(event) => void submit(event)}>
        {scope.kind === 'all' ? null : (
          <p class="break">
            <strong>{scope.kind === 'domain' ? scope.domain : scope.destination}</strong>
          </p>
        )}
        <p role="status">{value === undefined ? common.loading : words.retryCount(value.recipients)}</p>
        {value === undefined ? null : <OwnersNotice silentOwners={value.silentOwners} />}
        <p class="hint">{words.retryHint}</p>
        <Problem problem={problem ?? refused} />
        <ReasonField
          reason={reason}
          hint={words.reasonHint}
          isMissing={hasTried && reason.trim() === ''}
          onInput={setReason}
        />
        <div class="buttons">
          <button type="button" onClick={onClose}>
            {common.cancel}
          </button>
          <button type="submit" class="primary">
            {words.retry}
          </button>
        </div>
      </form>
    </Dialog>
  );
}
