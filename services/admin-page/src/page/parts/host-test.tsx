import { useState } from 'preact/hooks';
import { testHost } from '../api/calls.ts';
import type { HostVerdict } from '../api/values.ts';
import { useWords } from '../words/words.ts';
import { AskBox } from './ask-box.tsx';
import { TextField } from './text-field.tsx';

/** The parameters that limits come from. */
const PARAMETERS: Readonly<Record<string, string>> = {
  maxMessages: 'max_msgs_per_session',
  maxRecipients: 'max_rcpts_per_msg',
  maxMessageOctets: 'max_message_size',
  maxConcurrency: 'max_concurrency',
  maxRecipientsPerHour: 'max_rcpts_per_hour',
  hourlyReply: 'max_rcpts_per_hour_text',
  bannerCode: 'smtp_banner_code',
  bannerText: 'smtp_banner_text',
  hostname: 'override_hostname',
  tls: 'tls',
  delayedRejection: 'delayed_rejection',
};

function valueText(value: unknown): string {
  if (typeof value === 'number') return value.toLocaleString();
  if (typeof value === 'object') return Object.values(value ?? {}).join(' ');
  return typeof value === 'string' ? value : JSON.stringify(value);
}

/** "Which row would take this client?": what `mailyard hat test` answers. */
export function HostTest({ listener }: { readonly listener: string }) {
  const { hat: words } = useWords();
  const [address, setAddress] = useState('');
  const [names, setNames] = useState('');
  return (
    <AskBox
      id="host-test"
      title={words.testTitle}
      button={words.test}
      isPast={false}
      onAsk={(withPending) => testHost(address.trim(), names, listener, withPending)}
      answerOf={(verdict) => <VerdictText verdict={verdict} />}
    >
      <TextField name="address" label={words.address} value={address} faults={[]} onInput={setAddress} />
      <TextField name="names" label={words.names} value={names} faults={[]} onInput={setNames} />
    </AskBox>
  );
}

function VerdictText({ verdict }: { readonly verdict: HostVerdict }) {
  const { hat: words, flows } = useWords();
  const { address, action, group, source, policy, limits, asksForNames } = verdict;
  const nameOf = (name: string): string => flows.names[PARAMETERS[name] as 'tls'] ?? name;
  const isUnlisted = group === 'None' && source === 'ALL' && policy === '';
  return (
    <div class="explained">
      <p>
        <strong class="break">{address}</strong>: <strong>{flows.actions[action as 'ACCEPT']}</strong>
      </p>
      <dl class="facts">
        <dt>{words.group}</dt>
        <dd>{group === 'None' ? words.noGroup : group}</dd>
        <dt>{words.matched}</dt>
        <dd class="break">{isUnlisted ? words.unlisted : source}</dd>
        <dt>{flows.name}</dt>
        <dd>{policy === '' ? '–' : policy}</dd>
        <dt>{words.limits}</dt>
        <dd class="break">
          {Object.entries(limits)
            .map(([name, value]) => `${nameOf(name)} ${valueText(value)}`)
            .join(', ') || flows.listener}
        </dd>
      </dl>
      {asksForNames ? <p class="hint">{words.asksForNames}</p> : null}
    </div>
  );
}
