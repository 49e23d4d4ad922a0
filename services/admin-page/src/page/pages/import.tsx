import { useState } from 'preact/hooks';
import { importFile } from '../api/calls.ts';
import type { Refusal } from '../api/client.ts';
import type { FileFormat, ImportReport } from '../api/values.ts';
import { addressOf, useGo } from '../parts/address.ts';
import { DifferenceList } from '../parts/difference-list.tsx';
import { FaultTable } from '../parts/fault-table.tsx';
import { Field } from '../parts/field.tsx';
import { Notice, Problem, Warnings } from '../parts/notice.tsx';
import { PageHead } from '../parts/page-head.tsx';
import { useSigned } from '../parts/session.ts';
import { useWords } from '../words/words.ts';

const PLACE = ['network', 'smtp-routes'];
const FORMATS: readonly FileFormat[] = ['smtproutes', 'mailertable', 'transport'];

interface Looked {
  readonly file: File;
  readonly format: FileFormat;
  readonly report: ImportReport;
}

/** Import SMTP Routes (R203, R205): choose a file, see its faults or what it replaces, then import. */
export function ImportPage() {
  const { importPage: words, routes, menu } = useWords();
  const { setPending, say } = useSigned();
  const go = useGo();
  const [looked, setLooked] = useState<Looked>();
  const [problem, setProblem] = useState<Refusal>();
  const [isBusy, setBusy] = useState(false);
  const attempt = async (work: () => Promise<void>): Promise<void> => {
    setBusy(true);
    setProblem(undefined);
    try {
      await work();
    } catch (error) {
      setProblem(error as Refusal);
    } finally {
      setBusy(false);
    }
  };
  const look = (file: File, format: FileFormat): Promise<void> =>
    attempt(async () => setLooked({ file, format, report: await importFile(file, format, false) }));
  const stage = ({ file, format }: Looked): Promise<void> =>
    attempt(async () => {
      const report = await importFile(file, format, true);
      setLooked({ file, format, report });
      if (report.faults.length > 0) return;
      setPending();
      say(words.staged);
      go(addressOf(['system', 'commit']));
    });
  return (
    <>
      <PageHead place={[menu.network, { text: routes.title, href: addressOf(PLACE) }]} title={words.title} />
      <Problem problem={problem} />
      {looked === undefined ? (
        <ChooseFile isBusy={isBusy} onChosen={(file, format) => void look(file, format)} />
      ) : (
        <>
          <p class="break">{words.chosen(looked.file.name, looked.file.size)}</p>
          {looked.report.faults.length > 0 ? (
            <>
              <Notice tone="bad">{words.faults(looked.report.faults.length)}</Notice>
              <FaultTable faults={looked.report.faults} />
              <div class="buttons start">
                <button type="button" onClick={() => setLooked(undefined)}>
                  {words.other}
                </button>
              </div>
            </>
          ) : (
            <>
              <Notice tone="warning">
                <strong>{words.warning}</strong>
                <p>
                  {words.counts(
                    looked.report.added,
                    looked.report.removed,
                    looked.report.changed,
                    looked.report.unchanged,
                  )}
                </p>
              </Notice>
              <Warnings warnings={looked.report.warnings} />
              <div class="buttons start">
                <button type="button" onClick={() => setLooked(undefined)}>
                  {words.other}
                </button>
                <button type="button" class="primary" disabled={isBusy} onClick={() => void stage(looked)}>
                  {words.import}
                </button>
              </div>
              {looked.report.differences.length === 0 ? null : (
                <DifferenceList
                  differences={looked.report.differences}
                  total={looked.report.added + looked.report.removed + looked.report.changed}
                />
              )}
            </>
          )}
        </>
      )}
    </>
  );
}

function ChooseFile({
  isBusy,
  onChosen,
}: {
  readonly isBusy: boolean;
  readonly onChosen: (file: File, format: FileFormat) => void;
}) {
  const { importPage: words, common } = useWords();
  const [file, setFile] = useState<File>();
  const [format, setFormat] = useState<FileFormat>('smtproutes');
  const [hasTried, setTried] = useState(false);
  const submit = (event: Event): void => {
    event.preventDefault();
    setTried(true);
    if (file !== undefined) onChosen(file, format);
  };
  return (
    <form class="box" noValidate onSubmit={submit}>
      <Field id="file" label={words.file} faults={hasTried && file === undefined ? [words.choose] : []}>
        {(bind) => <input {...bind} type="file" onChange={(event) => setFile(event.currentTarget.files?.[0])} />}
      </Field>
      <Field id="format" label={words.format}>
        {({ id }) => (
          <select id={id} value={format} onChange={(event) => setFormat(event.currentTarget.value as FileFormat)}>
            {FORMATS.map((one) => (
              <option key={one} value={one}>
                {words.formats[one]}
              </option>
            ))}
          </select>
        )}
      </Field>
      <div class="buttons">
        <a class="button" href={addressOf(PLACE)}>
          {common.cancel}
        </a>
        <button type="submit" class="primary" disabled={isBusy}>
          {common.submit}
        </button>
      </div>
    </form>
  );
}
