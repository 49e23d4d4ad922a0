import type { ComponentChildren } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { checkEdit, listItems, readItem, submitEdits } from '../api/calls.ts';
import type { Refusal } from '../api/client.ts';
import type { Checked, Edit, Fault, ItemRow, Items, ItemSection } from '../api/values.ts';
import { useWords } from '../words/words.ts';
import { addressOf, useGo } from './address.ts';
import { useFaultText } from './field.tsx';
import { Notice, Problem, Warnings } from './notice.tsx';
import { PageHead } from './page-head.tsx';
import { type SectionPlace, type SectionWords, useArea } from './section-place.ts';
import { useSigned } from './session.ts';
import { TextField } from './text-field.tsx';
import { useLoad, useRested } from './use-load.ts';

const REST_MS = 150;

/** What is typed into a form, and what is wrong with it. */
export interface ItemForm<D> {
  readonly draft: D;
  readonly change: (part: Partial<D>) => void;
  readonly faultsOf: (field: string) => readonly string[];
  /** Its name does not change. */
  readonly isNamed: boolean;
}

/** What of a draft is no item yet: by field, in words. */
export type Misfits = Readonly<Record<string, string>>;

export interface ItemEditorProps<S extends ItemSection, D> {
  readonly at: SectionPlace<S>;
  readonly words: SectionWords;
  /** Key of the item that is edited; absent: a new one. */
  readonly editing: string | undefined;
  /** The list that one came from and goes back to. */
  readonly list?: string;
  readonly isOrdered?: boolean;
  /** An item that there is keeps its name. */
  readonly keepsName?: boolean;
  readonly emptyDraft: D;
  readonly draftOf: (item: Items[S]) => D;
  readonly itemOf: (draft: D) => Items[S];
  /** What must be typed before one can go on; told when somebody tries. */
  readonly missing: (draft: D) => Misfits;
  /** What is typed and is none of what may stand there; told at once. */
  readonly misfits?: (draft: D) => Misfits;
  /** Whether a fault is told at a field of the form; the others are told above it. */
  readonly hasField: (field: string) => boolean;
  readonly fields: (form: ItemForm<D>) => ComponentChildren;
}

/** Adds or edits an item of a section: judged as one types, staged with Submit. */
export function ItemEditor<S extends ItemSection, D extends object>(props: ItemEditorProps<S, D>) {
  const { at, words: titles, editing, list, emptyDraft, draftOf } = props;
  const { section, place } = at;
  const { routeForm: words, items, common } = useWords();
  const area = useArea(at);
  const { value, problem } = useLoad(editing ?? '', async () =>
    editing === undefined
      ? { version: (await listItems(section, { limit: 1 })).version, row: undefined }
      : readItem(section, editing),
  );
  const back = addressOf(place, { list });
  const isGone = value?.row?.pending === 'removed';
  return (
    <>
      <PageHead
        place={[area, { text: titles.title, href: back }]}
        title={editing === undefined ? titles.add.replace('…', '') : titles.edit}
      />
      {problem?.code === 'ITEM_NOT_FOUND' ? (
        <Notice tone="warning">{words.gone}</Notice>
      ) : (
        <Problem problem={problem} />
      )}
      {value === undefined && problem === undefined ? <p class="quiet">{common.loading}</p> : null}
      {isGone ? <Notice tone="warning">{items.isRemoved}</Notice> : null}
      {value === undefined ? null : (
        <EditorForm
          {...props}
          back={back}
          row={isGone ? undefined : value.row}
          version={value.version}
          first={value.row === undefined ? emptyDraft : draftOf(value.row.item)}
        />
      )}
    </>
  );
}

interface EditorFormProps<S extends ItemSection, D> extends ItemEditorProps<S, D> {
  readonly back: string;
  /** As it is; absent: a new one. */
  readonly row: ItemRow<Items[S]> | undefined;
  readonly version: number;
  readonly first: D;
}

function EditorForm<S extends ItemSection, D extends object>(props: EditorFormProps<S, D>) {
  const { at, back, row, version, first, itemOf, missing, misfits, hasField, fields } = props;
  const { section } = at;
  const { routeForm: words, routes, items, common } = useWords();
  const { setPending, say } = useSigned();
  const go = useGo();
  const faultText = useFaultText();
  const firstOrder = row?.place === undefined ? '' : String(row.place);
  const [draft, setDraft] = useState(first);
  const [order, setOrder] = useState(firstOrder);
  const [check, setCheck] = useState<Checked>();
  const [refused, setRefused] = useState<Refusal>();
  const [hasTried, setTried] = useState(false);
  const hasOrder = props.isOrdered === true && (row === undefined || row.place !== undefined);
  const editOf = (typed: D): Edit =>
    ({
      kind: 'setItem',
      section,
      item: itemOf(typed),
      ...(row === undefined ? { expect: 'absent' } : { replaces: row.key }),
      ...(row === undefined || row.isFixed === true ? {} : { expect: 'present' }),
      ...(order === firstOrder || order.trim() === '' ? {} : { place: Number(order) }),
    }) as Edit;
  const wrong: Misfits = {
    ...misfits?.(draft),
    ...(hasOrder && !/^\s*(?:[1-9]\d{0,5})?\s*$/.test(order) ? { place: items.orderFault } : {}),
  };
  const needed = missing(draft);
  const isJudged = Object.keys(needed).length === 0 && Object.keys(wrong).length === 0;
  const rested = useRested({ draft, isJudged }, REST_MS);
  useEffect(() => {
    let isOver = false;
    if (rested.isJudged)
      checkEdit(editOf(rested.draft)).then(
        (answer) => isOver || setCheck(answer),
        (error: Refusal) => isOver || setRefused(error),
      );
    return () => {
      isOver = true;
    };
  }, [rested]);
  const faults: readonly Fault[] =
    refused !== undefined && refused.faults.length > 0 ? refused.faults : (check?.faults ?? []);
  const fieldOf = ({ field = '' }: Fault): string => field.replace(/^edits\[0\]\.item\./, '');
  const faultsOf = (field: string): readonly string[] => {
    if (wrong[field] !== undefined) return [wrong[field]];
    if (needed[field] !== undefined) return hasTried ? [needed[field]] : [];
    return faults.filter((fault) => fieldOf(fault) === field).map(faultText);
  };
  const others = faults.filter((fault) => fieldOf(fault) !== 'place' && !hasField(fieldOf(fault)));
  const submit = async (event: SubmitEvent): Promise<void> => {
    event.preventDefault();
    setTried(true);
    if (!isJudged) return;
    // Opened, looked at and submitted: nothing is to be staged.
    if (row !== undefined && order === firstOrder && JSON.stringify(draft) === JSON.stringify(first)) {
      go(back);
      return;
    }
    try {
      setPending(await submitEdits([editOf(draft)], version));
      say(routes.staged(1));
      go(back);
    } catch (error) {
      setRefused(error as Refusal);
    }
  };
  const change = (part: Partial<D>): void => setDraft((before) => ({ ...before, ...part }));
  const isNamed = row !== undefined && (row.isFixed === true || props.keepsName === true);
  return (
    <form class="box wide" noValidate onSubmit={(event) => void submit(event)} onInput={() => setRefused(undefined)}>
      {refused !== undefined && refused.faults.length === 0 ? <Problem problem={refused} /> : null}
      {others.length === 0 ? null : (
        <Notice tone="bad">
          {others.map((fault) => (
            <p key={faultText(fault)}>{faultText(fault)}</p>
          ))}
        </Notice>
      )}
      {fields({ draft, change, faultsOf, isNamed })}
      {hasOrder ? (
        <TextField
          name="place"
          label={items.order}
          hint={items.orderHint}
          value={order}
          faults={faultsOf('place')}
          isShort
          onInput={setOrder}
        />
      ) : null}
      <Warnings warnings={check?.warnings ?? []} />
      <div class="buttons">
        <a class="button" href={back}>
          {common.cancel}
        </a>
        <button type="submit" class="primary">
          {common.submit}
        </button>
      </div>
      <p class="hint">{words.staged}</p>
    </form>
  );
}
