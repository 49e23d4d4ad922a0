import { useState } from 'preact/hooks';
import { signIn } from '../api/calls.ts';
import type { Refusal } from '../api/client.ts';
import type { Session } from '../api/values.ts';
import { Field } from '../parts/field.tsx';
import { Notice, Problem } from '../parts/notice.tsx';
import { formTexts } from '../parts/form-text.ts';
import { PageHead } from '../parts/page-head.tsx';
import { useWords } from '../words/words.ts';

export function SignInPage({
  hasEnded,
  onSigned,
}: {
  readonly hasEnded: boolean;
  readonly onSigned: (session: Session) => void;
}) {
  const words = useWords();
  const [problem, setProblem] = useState<Refusal>();
  const [isBusy, setBusy] = useState(false);
  const submit = async (event: SubmitEvent): Promise<void> => {
    event.preventDefault();
    const text = formTexts(event);
    setBusy(true);
    try {
      onSigned(await signIn(text('name'), text('password')));
    } catch (error) {
      setProblem(error as Refusal);
      setBusy(false);
    }
  };
  return (
    <div class="narrow">
      <PageHead place={[]} title={words.signIn.title} />
      {hasEnded ? <Notice tone="info">{words.signIn.ended}</Notice> : null}
      <Problem problem={problem} />
      <form class="box" onSubmit={(event) => void submit(event)}>
        <Field id="name" label={words.signIn.name}>
          {(bind) => <input {...bind} name="name" autocomplete="username" autocapitalize="none" required />}
        </Field>
        <Field id="password" label={words.signIn.password}>
          {(bind) => <input {...bind} name="password" type="password" autocomplete="current-password" required />}
        </Field>
        <div class="buttons">
          <button type="submit" class="primary" disabled={isBusy}>
            {words.signIn.submit}
          </button>
        </div>
      </form>
    </div>
  );
}
