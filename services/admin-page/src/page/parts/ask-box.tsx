import type { ComponentChildren } from 'preact';
import { useState } from 'preact/hooks';
import type { Refusal } from '../api/client.ts';
import { useWords } from '../words/words.ts';
import { CheckBox } from './check-box.tsx';
import { Problem } from './notice.tsx';
import { useSigned } from './session.ts';

/** Asks which row of a table would take something; nothing is done. */
export function AskBox<T>({
  id,
  title,
  button,
  isPast,
  onAsk,
  answerOf,
  children,
}: {
  readonly id: string;
  readonly title: string;
  readonly button: string;
  /** It is about a version, so that what is pending does not count. */
  readonly isPast: boolean;
  readonly onAsk: (withPending: boolean) => Promise<T>;
  readonly answerOf: (answer: T) => ComponentChildren;
  /** The fields. */
  readonly children: ComponentChildren;
}) {
  const { explain: words } = useWords();
  const { pending } = useSigned();
  const [withPending, setWithPending] = useState(true);
  const [answer, setAnswer] = useState<{ readonly is: T }>();
  const [problem, setProblem] = useState<Refusal>();
  const hasPending = !isPast && (pending?.count ?? 0) > 0;
  const ask = async (event: SubmitEvent): Promise<void> => {
    event.preventDefault();
    try {
      setAnswer({ is: await onAsk(hasPending && withPending) });
      setProblem(undefined);
    } catch (error) {
      setAnswer(undefined);
      setProblem(error as Refusal);
    }
  };
  return (
    <section aria-labelledby={id} class="explain">
      <h2 id={id}>{title}</h2>
      <form class="inline" onSubmit={(event) => void ask(event)}>
        {children}
        <button type="submit">{button}</button>
        {hasPending ? (
          <CheckBox isChecked={withPending} onChange={setWithPending}>
            {words.withPending}
          </CheckBox>
        ) : null}
      </form>
      <Problem problem={problem} />
      <div aria-live="polite">{answer === undefined ? null : answerOf(answer.is)}</div>
    </section>
  );
}
