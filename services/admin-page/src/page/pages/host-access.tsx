import { listItems } from '../api/calls.ts';
import type { HostAccess, HostRule } from '../api/values.ts';
import { addressOf, replaceAddress } from '../parts/address.ts';
import { ParameterFields } from '../parts/flow-parameters.tsx';
import { HostTest } from '../parts/host-test.tsx';
import { ItemEditor } from '../parts/item-editor.tsx';
import { ItemList } from '../parts/item-list.tsx';
import {
  ACTIONS,
  type ParameterDraft,
  parameterDraftOf,
  parameterMisfits,
  parametersOf,
} from '../parts/parameter-draft.ts';
import { readSources, writeSources } from '../parts/source-lines.ts';
import { bindChoice, bindText, ChoiceField, TextField } from '../parts/text-field.tsx';
import { useLoad } from '../parts/use-load.ts';
import { useWords } from '../words/words.ts';

const AT = { section: 'hostAccess', place: ['mail-policies', 'hat'] } as const;
/** More sources than this are counted and not listed. */
const LISTED = 5;

/** Mail Policies > HAT Overview: the rows of one listener (R120 to R127). */
export function HostAccessPage({ query }: { readonly query: URLSearchParams }) {
  const { hat: words, flows, routes } = useWords();
  const listener = query.get('list') ?? '';
  return (
    <ItemList
      at={AT}
      words={words}
      query={query}
      isOrdered
      list={listener}
      chooser={(lists) =>
        lists.every((list) => list === '') && listener === '' ? null : (
          <ChoiceField
            name="listener"
            label={words.listener}
            value={listener}
            options={[...new Set(['', listener, ...lists])].map((list) => [
              list,
              list === '' ? words.everyListener : list,
            ])}
            faults={[]}
            onChange={(list) => replaceAddress(addressOf(AT.place, { list }))}
          />
        )
      }
      nameTitle={words.group}
      nameOf={({ group, sources }) => (group === '' ? (sources[0]?.source ?? '') : group)}
      columns={[
        {
          title: words.sources,
          cell: ({ group, sources }) =>
            group === '' ? (
              <span class="quiet">{words.single}</span>
            ) : (
              [
                ...sources.slice(0, LISTED).map(({ source }) => source),
                ...(sources.length > LISTED ? [words.moreSources(sources.length - LISTED)] : []),
              ].join(', ')
            ),
        },
        { title: words.rule, cell: ({ rule }) => ruleText(rule, flows.actions) },
        { title: routes.comment, cell: ({ comment = '' }) => comment },
      ]}
    >
      <HostTest listener={listener} />
    </ItemList>
  );
}

function ruleText(rule: HostRule, actions: Readonly<Record<string, string>>): string {
  if ('policy' in rule) return `$${rule.policy}`;
  const count = Object.keys(rule.parameters).length;
  return `${actions[rule.action]}${count === 0 ? '' : ` {${Object.keys(rule.parameters).join(', ')}}`}`;
}

interface Draft extends ParameterDraft {
  readonly listener: string;
  readonly group: string;
  readonly isGroup: string;
  readonly sources: string;
  /** `$POLICY`, or an action. */
  readonly rule: string;
  readonly comment: string;
}

function draftOf({ listener, group, sources, rule, comment = '' }: HostAccess): Draft {
  return {
    ...{ listener, group, comment, isGroup: group === '' ? '' : 'group' },
    sources: writeSources(sources),
    rule: 'policy' in rule ? `$${rule.policy}` : rule.action,
    ...parameterDraftOf('policy' in rule ? {} : rule.parameters),
  };
}

function itemOf(draft: Draft): HostAccess {
  const { listener, group, isGroup, sources, rule, comment } = draft;
  return {
    listener: listener.trim(),
    group: isGroup === '' ? '' : group.trim(),
    sources: readSources(sources),
    rule: rule.startsWith('$') ? { policy: rule.slice(1) } : { action: rule, parameters: parametersOf(draft) },
    ...(comment.trim() === '' ? {} : { comment: comment.trim() }),
  };
}

/** Add or edit a row of the host access table. */
export function HostAccessForm({
  editing,
  query,
}: {
  readonly editing: string | undefined;
  readonly query: URLSearchParams;
}) {
  const { hat: words, flows, routes } = useWords();
  const list = editing === undefined ? (query.get('list') ?? '') : listenerOf(editing);
  const rows = useLoad('', () => listItems('mailFlowPolicies', { limit: 1000 })).value?.rows ?? [];
  const names = new Set(
    rows
      .filter(({ pending, item }) => pending !== 'removed' && (item.listener === '' || item.listener === list))
      .map(({ item }) => `$${item.name}`),
  );
  return (
    <ItemEditor
      at={AT}
      words={words}
      editing={editing}
      list={list}
      isOrdered
      emptyDraft={{
        ...draftOf({ listener: list, group: '', sources: [], rule: { policy: 'ACCEPTED' } }),
        isGroup: 'group',
      }}
      draftOf={draftOf}
      itemOf={itemOf}
      missing={({ group, isGroup, sources }): Record<string, string> => ({
        ...(isGroup !== '' && group.trim() === '' ? { group: words.needGroup } : {}),
        ...(isGroup === '' && sources.trim() === '' ? { sources: words.needSource } : {}),
      })}
      misfits={(draft) => parameterMisfits(draft, flows.othersFault)}
      hasField={(field) => /^(?:listener|group|sources.*|rule.*|comment)$/.test(field)}
      fields={(form) => {
        const { draft, faultsOf } = form;
        const count = readSources(draft.sources).length;
        return (
          <>
            <ChoiceField
              {...bindChoice(form, 'isGroup')}
              label={words.kind}
              options={[
                ['group', words.aGroup],
                ['', words.aSource],
              ]}
            />
            {draft.isGroup === '' ? null : (
              <TextField {...bindText(form, 'group')} label={words.group} hint={words.groupHint} />
            )}
            <TextField
              {...bindText(form, 'sources')}
              label={draft.isGroup === '' ? words.source : words.sources}
              hint={draft.isGroup === '' ? words.sourceHint : words.sourcesHint}
              faults={[
                ...faultsOf('sources'),
                ...Array.from({ length: count }, (_, at) => faultsOf(`sources[${at}]`)).flat(),
              ]}
              {...(draft.isGroup === '' ? {} : { rows: Math.min(12, Math.max(4, count + 1)) })}
            />
            <ChoiceField
              {...bindChoice(form, 'rule')}
              label={words.rule}
              options={[
                ...[...new Set(draft.rule.startsWith('$') ? [...names, draft.rule] : names)].map(
                  (name): [string, string] => [name, name],
                ),
                ...ACTIONS.map((action): [string, string] => [action, words.own(flows.actions[action])]),
              ]}
            />
            {draft.rule.startsWith('$') ? null : <ParameterFields form={form} at="rule" />}
            <TextField {...bindText(form, 'comment')} label={routes.comment} />
            <TextField {...bindText(form, 'listener')} label={words.listener} hint={words.listenerHint} />
          </>
        );
      }}
    />
  );
}

/** The listener that a key begins with. */
function listenerOf(key: string): string {
  const at = key.indexOf(' ');
  return at < 0 ? '' : key.slice(0, at);
}
