import type { MailFlowPolicy } from '../api/values.ts';
import { ParameterFields } from '../parts/flow-parameters.tsx';
import { ItemEditor } from '../parts/item-editor.tsx';
import { ItemList } from '../parts/item-list.tsx';
import {
  ACTIONS,
  type ParameterDraft,
  parameterDraftOf,
  parameterMisfits,
  parametersOf,
} from '../parts/parameter-draft.ts';
import { bindChoice, bindText, ChoiceField, TextField, NameField } from '../parts/text-field.tsx';
import { useWords } from '../words/words.ts';

const AT = { section: 'mailFlowPolicies', place: ['mail-policies', 'flow-policies'] } as const;

/** Mail Policies > Mail Flow Policies (R124 to R127). */
export function FlowPoliciesPage({ query }: { readonly query: URLSearchParams }) {
  const { flows: words, hat } = useWords();
  return (
    <ItemList
      at={AT}
      words={words}
      query={query}
      nameTitle={words.name}
      nameOf={({ name }) => `$${name}`}
      columns={[
        { title: hat.listener, cell: ({ listener }) => listener || '–' },
        { title: words.action, cell: ({ action }) => words.actions[action as 'ACCEPT'] },
        {
          title: words.parameters,
          cell: ({ parameters }) =>
            Object.entries(parameters)
              .map(([name, value]) => `${name} ${value}`)
              .join(', ') || '–',
        },
      ]}
    />
  );
}

interface Draft extends ParameterDraft {
  readonly listener: string;
  readonly name: string;
  readonly action: string;
}

function draftOf({ listener, name, action, parameters }: MailFlowPolicy): Draft {
  return { listener, name, action, ...parameterDraftOf(parameters) };
}

function itemOf(draft: Draft): MailFlowPolicy {
  const { listener, name, action } = draft;
  return { listener: listener.trim(), name: name.trim().replace(/^\$/, ''), action, parameters: parametersOf(draft) };
}

/** Add or edit a mail flow policy. */
export function FlowPolicyForm({ editing }: { readonly editing: string | undefined }) {
  const { flows: words, hat } = useWords();
  return (
    <ItemEditor
      at={AT}
      words={words}
      editing={editing}
      keepsName
      emptyDraft={draftOf({ listener: '', name: '', action: 'ACCEPT', parameters: {} })}
      draftOf={draftOf}
      itemOf={itemOf}
      missing={({ name }) => (name.trim() === '' ? { name: words.needName } : {})}
      misfits={(draft) => parameterMisfits(draft, words.othersFault)}
      hasField={(field) => field === 'name' || field.startsWith('parameters.')}
      fields={(form) => (
        <>
          <NameField
            form={form}
            name="name"
            label={words.name}
            hint={words.nameHint}
            settled={`$${form.draft.name} ${form.draft.listener}`}
          />
          {form.isNamed ? null : (
            <TextField {...bindText(form, 'listener')} label={hat.listener} hint={hat.listenerHint} />
          )}
          <ChoiceField
            {...bindChoice(form, 'action')}
            label={words.action}
            options={ACTIONS.map((action) => [action, words.actions[action]])}
          />
          <ParameterFields form={form} at="parameters" />
        </>
      )}
    />
  );
}
