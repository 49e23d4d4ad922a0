import { useState } from 'preact/hooks';
import type { Suspension } from '../api/values.ts';
import { useWords } from '../words/words.ts';
import { Notice } from './notice.tsx';
import { ResumeDialog } from './resume-dialog.tsx';
import { useMay } from './session.ts';
import { SuspensionFacts } from './suspension-facts.tsx';
import { suspensionText } from './suspension-text.ts';

/** Names what is suspended, and offers to resume it (R211). @param onResumed it is to be read again */
export function SuspensionNotice({
  suspensions,
  onResumed,
}: {
  readonly suspensions: readonly Suspension[];
  readonly onResumed: () => void;
}) {
  const all = useWords();
  const { suspensions: words } = all;
  const mayResume = useMay('operator');
  const [resuming, setResuming] = useState<Suspension>();
  return (
    <>
      {suspensions.length === 0 ? null : (
        <Notice tone="warning">
          <strong>{words.title}</strong>
          <ul class="named">
            {suspensions.map((suspension) => {
              const what = suspensionText(suspension, all);
              return (
                <li key={what}>
                  <SuspensionFacts suspension={suspension} />
                  {mayResume ? (
                    <button
                      type="button"
                      aria-label={`${words.openResume} ${what}`}
                      onClick={() => setResuming(suspension)}
                    >
                      {words.openResume}
                    </button>
                  ) : null}
                </li>
              );
            })}
          </ul>
        </Notice>
      )}
      {resuming === undefined ? null : (
        <ResumeDialog
          suspension={resuming}
          onClose={() => {
            setResuming(undefined);
            onResumed();
          }}
        />
      )}
    </>
  );
}
