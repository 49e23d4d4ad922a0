import { useState } from 'preact/hooks';
import { makeFirstAdministrator } from '../api/calls.ts';
import type { Refusal } from '../api/client.ts';
import type { Session } from '../api/values.ts';
import { Field } from '../parts/field.tsx';
import { NewPassword } from '../parts/new-password.tsx';
import { Problem } from '../parts/notice.tsx';
import { formTexts } from '../parts/form-text.ts';
import { PageHead } from '../parts/page-head.tsx';
import { useWords } from '../words/words.ts';

/** While nobody can sign in: whoever reads the code where the gateway was started makes the first administrator. */
export function FirstAdministratorPage({ onSigned }: { readonly onSigned: (session: Session) => void }) {
  const { firstAdministrator: words } = useWords();
  const [password, setPassword] = useState<string>();
  const [problem, setProblem] = useState<Refusal>();
  const submit = async (event: SubmitEvent): Promise<void> => {
    event.preventDefault();
    if (password === undefined) return;
    const text = formTexts(event);
    try {
      onSigned(await makeFirstAdministrator(text('code').trim(), text('name'), password));
    } catch (error) {
      setProblem(error as Refusal);
    }
  };
  return (
    <div class="narrow">
      <PageHead place={[]} title={words.title} />
      <p>{words.intro}</p>
      <Problem problem={problem} />
      <form class="box" onSubmit={(event) => void submit(event)}>
        <Field id="code" label={words.code}>
          {(bind) => (
            <input {...bind} name="code" autocomplete="off" autocapitalize="none" spellcheck={false} required />
          )}
        </Field>
        <Field id="name" label={words.name}>
          {(bind) => <input {...bind} name="name" autocomplete="username" autocapitalize="none" required />}
        </Field>
        <NewPassword label={words.password} onChange={setPassword} />
        <div class="buttons">
          <button type="submit" class="primary" disabled={password === undefined}>
            {words.submit}
          </button>
        </div>
      </form>
    </div>
  );
}
