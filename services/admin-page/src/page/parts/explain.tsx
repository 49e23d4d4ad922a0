import { useState } from 'preact/hooks';
import { explain } from '../api/calls.ts';
import type { Explanation } from '../api/values.ts';
import { useWords } from '../words/words.ts';
import { AskBox } from './ask-box.tsx';
import { Field } from './field.tsx';

/** "Which route would take this address?" (R40, R206). */
export function Explain({ version }: { readonly version: number | undefined }) {
  const { explain: words } = useWords();
  const [recipient, setRecipient] = useState('');
  return (
    <AskBox
      id="explain"
      title={words.title}
      button={words.ask}
      isPast={version !== undefined}
      onAsk={async (withPending) => ({ recipient, explained: await explain(recipient.trim(), withPending, version) })}
      answerOf={(answer) => <ExplanationText {...answer} />}
    >
      <Field id="recipient" label={words.address}>
        {(bind) => (
          <input
            {...bind}
            value={recipient}
            required
            maxLength={1000}
            autocomplete="off"
            autocapitalize="none"
            spellcheck={false}
            onInput={(event) => setRecipient(event.currentTarget.value)}
          />
        )}
      </Field>
    </AskBox>
  );
}

function ExplanationText({ recipient, explained }: { readonly recipient: string; readonly explained: Explanation }) {
  const { explain: words, routes, common } = useWords();
  const { version, domain, matched, goesTo, target, candidates, hosts } = explained;
  const nameOf = (entry: string): string => (entry === 'ALL' ? routes.default : entry);
  return (
    <div class="explained">
      <p>
        <strong class="break">{recipient}</strong> {words.goesTo}{' '}
        <strong class="break">
          {target === 'usedns' ? words.byMx(domain) : target === 'null' ? words.dropped : goesTo.join(', ')}
        </strong>
        {common.comma}
        {matched === 'DNS' ? words.byNone(version) : words.by(nameOf(matched), version)}
        {common.stop}
        <span class="quiet">{words.nothingSent}</span>
      </p>
      {candidates.length === 0 ? null : (
        <div class="scroll">
          <table>
            <caption>{words.candidates}</caption>
            <thead>
              <tr>
                <th scope="col">{words.entry}</th>
                <th scope="col">{routes.destinationHosts}</th>
                <th scope="col">{words.result}</th>
              </tr>
            </thead>
            <tbody>
              {candidates.map(({ route, verdict, changedBy }) => (
                <tr key={route.receivingDomain} class={verdict === 'winner' ? 'winner' : ''}>
                  <th scope="row" class="break">
                    {nameOf(route.receivingDomain)}
                  </th>
                  <td class="break">{route.destinations.join(', ') || <span class="quiet">{routes.byMx}</span>}</td>
                  <td>
                    {words.verdict[verdict]}
                    {changedBy === undefined ? null : (
                      <small>
                        {' '}
                        ({common.version(changedBy.version)}, {changedBy.author})
                      </small>
                    )}
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
      {hosts.length === 0 ? null : (
        <div class="scroll">
          <table>
            <caption>{words.hosts}</caption>
            <thead>
              <tr>
                <th scope="col">{words.host}</th>
                <th scope="col">{words.address2}</th>
              </tr>
            </thead>
            <tbody>
              {hosts.map(({ name, address, port, priority, problem, problemStatus = '' }) => (
                <tr key={`${name} ${address} ${port} ${priority}`}>
                  <th scope="row" class="break">
                    {name}
                  </th>
                  <td class="break">
                    {problem === undefined
                      ? `${address.includes(':') ? `[${address}]` : address}:${port}`
                      : (words.problems[problemStatus] ?? problem)}
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
    </div>
  );
}
