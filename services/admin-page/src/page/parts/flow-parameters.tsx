import { useWords } from '../words/words.ts';
import type { ItemForm } from './item-editor.tsx';
import { otherLines, PARAMETER_FIELDS, type ParameterDraft } from './parameter-draft.ts';
import { ChoiceField, TextField } from './text-field.tsx';

/** The parameters of a mail flow policy, or of a row with its own. */
export function ParameterFields<D extends ParameterDraft>({
  form,
  at,
}: {
  readonly form: ItemForm<D>;
  /** How faults name them: `parameters` or `rule`. */
  readonly at: string;
}) {
  const { flows: words } = useWords();
  const { parameters, others } = form.draft;
  const put = (name: string, value: string): void => {
    const { [name]: _old, ...rest } = parameters;
    form.change({ parameters: value === '' ? rest : { ...rest, [name]: value } } as Partial<D>);
  };
  return (
    <fieldset>
      <legend>{words.parameters}</legend>
      <p class="hint">{words.parametersHint}</p>
      <div class="grid">
        {Object.entries(PARAMETER_FIELDS).map(([name, values]) => {
          const bound = {
            name: `${at}.${name}`,
            label: words.names[name as 'tls'],
            value: parameters[name] ?? '',
            faults: form.faultsOf(`${at}.${name}`),
          };
          return values.length === 0 ? (
            <TextField key={name} {...bound} onInput={(value) => put(name, value)} />
          ) : (
            <ChoiceField
              key={name}
              {...bound}
              options={[
                ['', words.listener],
                ...values.map((value): [string, string] => [value, words.values[value as 'on']]),
              ]}
              onChange={(value) => put(name, value)}
            />
          );
        })}
      </div>
      <TextField
        name="others"
        label={words.others}
        hint={words.othersHint}
        value={others}
        faults={[...form.faultsOf('others'), ...otherLines(others).flatMap(([name]) => form.faultsOf(`${at}.${name}`))]}
        rows={2}
        onInput={(text) => form.change({ others: text } as Partial<D>)}
      />
    </fieldset>
  );
}
