import type { ComponentChildren } from 'preact';
import { listItems, readItem } from '../api/calls.ts';
import type { DestinationControl } from '../api/values.ts';
import { ItemEditor } from '../parts/item-editor.tsx';
import { ItemList } from '../parts/item-list.tsx';
import { useSigned } from '../parts/session.ts';
import {
  bindChoice,
  bindText,
  ChoiceField,
  numberOf,
  said,
  TextField,
  useNumberMisfits,
  NameField,
} from '../parts/text-field.tsx';
import { useLoad } from '../parts/use-load.ts';
import { useWords } from '../words/words.ts';

const AT = { section: 'destinationControls', place: ['mail-policies', 'destination-controls'] } as const;
const NUMBERS = ['maxConnections', 'maxMessagesPerConnection', 'maxRecipients', 'windowMinutes'] as const;
const CHOICES = ['tls', 'dane', 'mtaSts', 'ipPreference', 'bounceVerification'] as const;
const DEFAULT = 'DEFAULT';
/** Minutes of a window where no row says them. */
const WINDOW = 60;
const NOTHING: DestinationControl = { domain: DEFAULT };

type Name = (typeof NUMBERS)[number] | (typeof CHOICES)[number] | 'bounceProfile';

/** The row that the others inherit from, as it is with what is pending. */
function useDefault(): DestinationControl {
  const { pending } = useSigned();
  const key = `${pending?.version} ${pending?.count}`;
  return useLoad(key, () => readItem('destinationControls', DEFAULT)).value?.row.item ?? NOTHING;
}

/** What a value is called. */
function useValueText(): (name: Name, item: DestinationControl) => string | undefined {
  const { controls: words } = useWords();
  return (name, item) => {
    const value = item[name];
    if (value === undefined) return undefined;
    if (typeof value === 'number') return value.toLocaleString();
    return name === 'bounceProfile'
      ? String(value)
      : (words.values[name as 'tls'] as Record<string, string>)[String(value)];
  };
}

/** What the table shows; MTA-STS stands in the form alone, and the window beside its recipients. */
const COLUMNS = [
  'maxConnections',
  'maxMessagesPerConnection',
  'maxRecipients',
  'tls',
  'dane',
  'ipPreference',
  'bounceVerification',
  'bounceProfile',
] as const;

/** Mail Policies > Destination Controls (R140). */
export function DestinationControlsPage({ query }: { readonly query: URLSearchParams }) {
  const { controls: words, items, common } = useWords();
  const ending = useDefault();
  const valueText = useValueText();
  const cell =
    (name: Name) =>
    (item: DestinationControl): ComponentChildren => {
      const textOf = (row: DestinationControl): string | undefined => {
        const text = valueText(name, row);
        if (text === undefined || name !== 'maxRecipients') return text;
        return `${text} / ${item.windowMinutes ?? ending.windowMinutes ?? WINDOW} ${common.minutes}`;
      };
      const own = textOf(item);
      if (own !== undefined) return own;
      const inherited = item.domain === DEFAULT ? undefined : textOf(ending);
      return <span class="quiet">{inherited === undefined ? items.settings : words.inherited(inherited)}</span>;
    };
  return (
    <ItemList
      at={AT}
      words={words}
      query={query}
      nameTitle={words.domain}
      nameOf={({ domain }) => (domain === DEFAULT ? words.default : domain)}
      columns={COLUMNS.map((name) => ({
        title: words.fields[name],
        cell: cell(name),
      }))}
    />
  );
}

type Draft = Readonly<Record<'domain' | Name, string>>;

function draftOf(item: DestinationControl): Draft {
  const text = (name: Name): string => (item[name] === undefined ? '' : String(item[name]));
  const names = [...NUMBERS, ...CHOICES, 'bounceProfile'] as const;
  return { ...(Object.fromEntries(names.map((name) => [name, text(name)])) as Draft), domain: item.domain };
}

function itemOf(draft: Draft): DestinationControl {
  const text = (name: Name): string | undefined => (draft[name] === '' ? undefined : draft[name]);
  return said<DestinationControl>({
    domain: draft.domain.trim(),
    maxConnections: numberOf(draft.maxConnections),
    maxMessagesPerConnection: numberOf(draft.maxMessagesPerConnection),
    maxRecipients: numberOf(draft.maxRecipients),
    windowMinutes: numberOf(draft.windowMinutes),
    tls: text('tls'),
    dane: text('dane'),
    mtaSts: text('mtaSts'),
    ipPreference: text('ipPreference'),
    bounceVerification: draft.bounceVerification === '' ? undefined : draft.bounceVerification === 'true',
    bounceProfile: text('bounceProfile'),
  });
}

/** Add or edit a row of the destination controls. */
export function DestinationControlForm({ editing }: { readonly editing: string | undefined }) {
  const { controls: words, items } = useWords();
  const ending = useDefault();
  const valueText = useValueText();
  const numberMisfits = useNumberMisfits();
  const profiles = useLoad('', () => listItems('bounceProfiles', { limit: 1000 })).value?.rows ?? [];
  return (
    <ItemEditor
      at={AT}
      words={words}
      editing={editing}
      keepsName
      emptyDraft={draftOf({ domain: '' })}
      draftOf={draftOf}
      itemOf={itemOf}
      missing={({ domain }) => (domain.trim() === '' ? { domain: words.needDomain } : {})}
      misfits={(draft) => numberMisfits(draft, NUMBERS)}
      hasField={(field) => Object.hasOwn(words.fields, field) || field === 'domain'}
      fields={(form) => {
        const isDefault = form.draft.domain === DEFAULT;
        const absent = (name: Name): string => {
          const inherited = isDefault ? undefined : valueText(name, ending);
          return inherited === undefined ? items.settings : words.inherited(inherited);
        };
        const names = profiles.filter(({ pending }) => pending !== 'removed').map(({ key }) => key);
        const chosen = form.draft.bounceProfile;
        return (
          <>
            <NameField
              form={form}
              name="domain"
              label={words.domain}
              hint={words.domainHint}
              {...(isDefault ? { settled: words.default } : {})}
            />
            <p class="hint">{isDefault ? words.defaultHint : words.inheritHint}</p>
            <div class="grid">
              {NUMBERS.map((name) => (
                <TextField key={name} {...bindText(form, name)} label={words.fields[name]} placeholder={absent(name)} />
              ))}
              {CHOICES.map((name) => (
                <ChoiceField
                  key={name}
                  {...bindChoice(form, name)}
                  label={words.fields[name]}
                  options={[['', absent(name)], ...Object.entries(words.values[name])]}
                />
              ))}
              <ChoiceField
                {...bindChoice(form, 'bounceProfile')}
                label={words.fields.bounceProfile}
                options={[
                  ['', absent('bounceProfile')],
                  ...(chosen === '' || names.includes(chosen) ? names : [chosen, ...names]).map(
                    (name): [string, string] => [name, name],
                  ),
                ]}
              />
            </div>
          </>
        );
      }}
    />
  );
}
