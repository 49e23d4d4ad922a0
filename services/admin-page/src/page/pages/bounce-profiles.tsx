import type { BounceProfile } from '../api/values.ts';
import { ItemEditor } from '../parts/item-editor.tsx';
import { ItemList } from '../parts/item-list.tsx';
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
import { useWords } from '../words/words.ts';

const AT = { section: 'bounceProfiles', place: ['network', 'bounce-profiles'] } as const;
const NUMBERS = [
  'maxRetries',
  'maxAgeSeconds',
  'initialWaitSeconds',
  'maxWaitSeconds',
  'delayWarnings',
  'delayWarningSeconds',
] as const;

/** Network > Bounce Profiles (R70 to R72). */
export function BounceProfilesPage({ query }: { readonly query: URLSearchParams }) {
  const { bounceProfiles: words, items, common } = useWords();
  return (
    <ItemList
      at={AT}
      words={words}
      query={query}
      nameTitle={words.name}
      nameOf={({ name }) => name}
      columns={[
        ...NUMBERS.map((name) => ({
          title: words.fields[name],
          cell: (item: BounceProfile) => item[name]?.toLocaleString() ?? <span class="quiet">{items.settings}</span>,
        })),
        {
          title: words.notices,
          cell: ({ notices }) =>
            notices === undefined ? <span class="quiet">{items.settings}</span> : notices ? common.yes : common.no,
        },
      ]}
    />
  );
}

type Draft = Readonly<Record<'name' | 'notices' | (typeof NUMBERS)[number], string>>;

function draftOf(item: BounceProfile): Draft {
  const numbers = NUMBERS.map((name) => [name, item[name] === undefined ? '' : String(item[name])]);
  return {
    ...(Object.fromEntries(numbers) as Draft),
    name: item.name,
    notices: item.notices === undefined ? '' : String(item.notices),
  };
}

function itemOf(draft: Draft): BounceProfile {
  return said<BounceProfile>({
    name: draft.name.trim(),
    maxRetries: numberOf(draft.maxRetries),
    maxAgeSeconds: numberOf(draft.maxAgeSeconds),
    initialWaitSeconds: numberOf(draft.initialWaitSeconds),
    maxWaitSeconds: numberOf(draft.maxWaitSeconds),
    notices: draft.notices === '' ? undefined : draft.notices === 'true',
    delayWarnings: numberOf(draft.delayWarnings),
    delayWarningSeconds: numberOf(draft.delayWarningSeconds),
  });
}

/** Add or edit a bounce profile. */
export function BounceProfileForm({ editing }: { readonly editing: string | undefined }) {
  const { bounceProfiles: words, items, common } = useWords();
  const numberMisfits = useNumberMisfits();
  return (
    <ItemEditor
      at={AT}
      words={words}
      editing={editing}
      keepsName
      emptyDraft={draftOf({ name: '' })}
      draftOf={draftOf}
      itemOf={itemOf}
      missing={({ name }) => (name.trim() === '' ? { name: words.needName } : {})}
      misfits={(draft) => numberMisfits(draft, NUMBERS)}
      hasField={(field) => field === 'name' || NUMBERS.some((name) => name === field)}
      fields={(form) => (
        <>
          <NameField form={form} name="name" label={words.name} hint={words.nameHint} />
          <div class="grid">
            {NUMBERS.map((name) => (
              <TextField key={name} {...bindText(form, name)} label={words.fields[name]} placeholder={items.settings} />
            ))}
            <ChoiceField
              {...bindChoice(form, 'notices')}
              label={words.notices}
              options={[
                ['', items.settings],
                ['true', common.yes],
                ['false', common.no],
              ]}
            />
          </div>
        </>
      )}
    />
  );
}
