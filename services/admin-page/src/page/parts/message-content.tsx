import { useState } from 'preact/hooks';
import { contentAddress, readHeader } from '../api/calls.ts';
import type { Refusal } from '../api/client.ts';
import type { WaitingCopy } from '../api/values.ts';
import { useWords } from '../words/words.ts';
import { Problem } from './notice.tsx';
import { useMay } from './session.ts';

/** The copies of a message that wait, with what others wrote in them, for operators (R212). */
export function MessageContent({ copies }: { readonly copies: readonly WaitingCopy[] }) {
  const mayRead = useMay('operator');
  if (!mayRead) return null;
  return (
    <>
      {copies.map((copy) => (
        <CopyContent key={copy.mid} copy={copy} />
      ))}
    </>
  );
}

function CopyContent({ copy: { mid, policy, sizeOctets } }: { readonly copy: WaitingCopy }) {
  const { tracking: words } = useWords();
  const [header, setHeader] = useState<string>();
  const [problem, setProblem] = useState<Refusal>();
  const show = async (): Promise<void> => {
    try {
      setHeader((await readHeader(mid)).header);
      setProblem(undefined);
    } catch (error) {
      setProblem(error as Refusal);
    }
  };
  return (
    <section aria-label={words.copy(policy)}>
      <p class="break">
        {words.copy(policy)}: {mid}, {words.octets(sizeOctets)}
      </p>
      <Problem problem={problem} />
      {header === undefined ? null : (
        <pre class="header" tabIndex={0}>
          {header}
        </pre>
      )}
      <div class="buttons">
        {header === undefined ? (
          <button type="button" onClick={() => void show()}>
            {words.showHeader}
          </button>
        ) : (
          <button type="button" onClick={() => setHeader(undefined)}>
            {words.hideHeader}
          </button>
        )}
        <a class="button" href={contentAddress(mid)} download={`${mid}.eml`}>
          {words.download}
        </a>
      </div>
    </section>
  );
}
