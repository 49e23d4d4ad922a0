import { useState } from 'preact/hooks';
import { signIn } from '../api/calls.ts';
import type { Refusal } from '../api/client.ts';
import type { Session } from '../api/values.ts';
import { Dialog } from '../parts/dialog.tsx';
import { Field } from '../parts/field.tsx';
import { Problem } from '../parts/notice.tsx';
import { formTexts } from '../parts/form-text.ts';
import { PageHead } from '../parts/page-head.tsx';
import { useWords } from '../words/words.ts';

export function SignInPage({ onSigned }: { readonly onSigned: (session: Session) => void }) {
  const words = useWords();
  return (
    <div class="narrow">
      <PageHead place={[]} title={words.signIn.title} />
      <SignInForm onSigned={onSigned} />
    </div>
  );
}

/** Asked for when a session has ended while a page was open: the page waits below, with all that was typed into it. */
export function SignInAgain({
  user,
  onSigned,
  onLeave,
}: {
  readonly user: string;
  readonly onSigned: (session: Session) => void;
  readonly onLeave: () => void;
}) {
  const { signIn: words } = useWords();
  return (
    <Dialog title={words.title} onClose={onLeave}>
      <p>{words.ended}</p>
      <SignInForm user={user} onSigned={onSigned} />
    </Dialog>
  );
}

function SignInForm({
  user = '',
  onSigned,
}: {
  readonly user?: string;
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
      onSigned(await signIn(text('sign-in-name'), text('sign-in-password')));
    } catch (error) {
      setProblem(error as Refusal);
      setBusy(false);
    }
  };
  return (
    <>
      <Problem problem={problem} />
      <form class="box" onSubmit={(event) => void submit(event)}>
        <Field id="sign-in-name" label={words.signIn.name}>
          {(bind) => (
            <input
              {...bind}
              name="sign-in-name"
              autocomplete="username"
              autocapitalize="none"
              required
              defaultValue={user}
            />
          )}
        </Field>
        <Field id="sign-in-password" label={words.signIn.password}>
          {(bind) => (
            <input
              {...bind}
              name="sign-in-password"
              type="password"
              autocomplete="current-password"
              required
              autofocus={user !== ''}
            />
          )}
        </Field>
        <div class="buttons">
          <button type="submit" class="primary" disabled={isBusy}>
            {words.signIn.submit}
          </button>
        </div>
      </form>
    </>
  );
}
