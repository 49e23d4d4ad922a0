import { useState } from 'preact/hooks';
import { changePassword } from '../api/calls.ts';
import type { Refusal } from '../api/client.ts';
import { addressOf, useGo } from '../parts/address.ts';
import { Field } from '../parts/field.tsx';
import { NewPassword } from '../parts/new-password.tsx';
import { Problem } from '../parts/notice.tsx';
import { formTexts } from '../parts/form-text.ts';
import { PageHead } from '../parts/page-head.tsx';
import { useSigned } from '../parts/session.ts';
import { useWords } from '../words/words.ts';

export function PasswordPage() {
  const { password: words, menu, common } = useWords();
  const { say } = useSigned();
  const go = useGo();
  const [password, setPassword] = useState<string>();
  const [problem, setProblem] = useState<Refusal>();
  const submit = async (event: SubmitEvent): Promise<void> => {
    event.preventDefault();
    if (password === undefined) return;
    const current = formTexts(event)('current');
    try {
      await changePassword(current, password);
      say(words.done);
      go(addressOf(['monitor', 'overview']));
    } catch (error) {
      setProblem(error as Refusal);
    }
  };
  return (
    <>
      <PageHead place={[menu.system]} title={words.title} />
      <Problem problem={problem} />
      <form class="box" onSubmit={(event) => void submit(event)}>
        <Field id="current" label={words.current}>
          {(bind) => <input {...bind} name="current" type="password" autocomplete="current-password" required />}
        </Field>
        <NewPassword label={words.new} onChange={setPassword} />
        <div class="buttons">
          <button type="submit" class="primary" disabled={password === undefined}>
            {common.submit}
          </button>
        </div>
      </form>
    </>
  );
}
