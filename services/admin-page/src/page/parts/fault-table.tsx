import { useState } from 'preact/hooks';
import type { Fault } from '../api/values.ts';
import { useWords } from '../words/words.ts';
import { useFaultText } from './field.tsx';

const STEP = 200;

/** Every fault of a file, with its line. */
export function FaultTable({ faults }: { readonly faults: readonly Fault[] }) {
  const { importPage: words, common } = useWords();
  const faultText = useFaultText();
  const [shown, setShown] = useState(STEP);
  return (
    <>
      <div class="scroll">
        <table>
          <thead>
            <tr>
              <th scope="col" class="number">
                {words.line}
              </th>
              <th scope="col">{words.fault}</th>
              <th scope="col">{words.text}</th>
            </tr>
          </thead>
          <tbody>
            {faults.slice(0, shown).map((fault, index) => (
              <tr key={index}>
                <td class="number">{fault.line ?? '–'}</td>
                <td>{faultText(fault)}</td>
                <td class="break">
                  <code>{fault.token ?? ''}</code>
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      {faults.length > shown ? (
        <button type="button" onClick={() => setShown(shown + STEP)}>
          {common.more}
        </button>
      ) : null}
    </>
  );
}
