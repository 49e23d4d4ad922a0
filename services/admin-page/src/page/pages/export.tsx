import { useState } from 'preact/hooks';
import { exportAddress } from '../api/calls.ts';
import { addressOf, readAddress } from '../parts/address.ts';
import { Field } from '../parts/field.tsx';
import { Notice } from '../parts/notice.tsx';
import { PageHead } from '../parts/page-head.tsx';
import { useWords } from '../words/words.ts';

const PLACE = ['network', 'smtp-routes'];
const NAME = /^[A-Za-z0-9_][A-Za-z0-9._-]{0,99}$/;

/** Export SMTP Routes (R203): a bare file name, which the browser saves under. */
export function ExportPage() {
  const { exportPage: words, routes, menu, common } = useWords();
  const [name, setName] = useState('smtproutes.txt');
  const [saved, setSaved] = useState<string>();
  const version = readAddress().query.get('version');
  const submit = (event: Event): void => {
    event.preventDefault();
    if (!NAME.test(name)) return;
    const link = document.createElement('a');
    link.href = exportAddress(name, version === null ? undefined : Number(version));
    link.download = name;
    link.click();
    setSaved(name);
  };
  return (
    <>
      <PageHead place={[menu.network, { text: routes.title, href: addressOf(PLACE) }]} title={words.title} />
      {version === null ? null : <Notice tone="info">{routes.asOf(Number(version))}</Notice>}
      {saved === undefined ? null : <Notice tone="good">{words.done(saved)}</Notice>}
      <form class="box" noValidate onSubmit={submit}>
        <Field id="file-name" label={words.name} hint={words.hint} faults={NAME.test(name) ? [] : [words.invalid]}>
          {(bind) => (
            <input
              {...bind}
              value={name}
              autocomplete="off"
              spellcheck={false}
              onInput={(event) => setName(event.currentTarget.value)}
            />
          )}
        </Field>
        <div class="buttons">
          <a class="button" href={addressOf(PLACE)}>
            {common.cancel}
          </a>
          <button type="submit" class="primary">
            {common.submit}
          </button>
        </div>
      </form>
    </>
  );
}
