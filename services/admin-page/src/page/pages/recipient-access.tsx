import { CheckBox } from '../parts/check-box.tsx';
import { ItemEditor } from '../parts/item-editor.tsx';
import { ItemList } from '../parts/item-list.tsx';
import { bindChoice, bindText, ChoiceField, TextField, NameField } from '../parts/text-field.tsx';
import type { RecipientAccess } from '../api/values.ts';
import { useWords } from '../words/words.ts';

const AT = { section: 'recipientAccess', place: ['mail-policies', 'rat'] } as const;

/** Mail Policies > Recipient Access Table (R131 to R134). */
export function RecipientAccessPage({ query }: { readonly query: URLSearchParams }) {
  const { rat: words } = useWords();
  return (
    <ItemList
      at={AT}
      words={words}
      query={query}
      isOrdered
      nameTitle={words.recipient}
      nameOf={({ recipient }) => (recipient === 'ALL' ? words.default : recipient)}
      columns={[
        { title: words.action, cell: ({ action }) => words.actions[action] },
        { title: words.reply, cell: ({ reply }) => (reply === undefined ? '–' : `${reply.code} ${reply.text}`) },
        {
          title: words.receivingControl,
          cell: ({ bypassReceivingControl }) => (bypassReceivingControl === true ? words.bypassed : words.counted),
        },
      ]}
    />
  );
}

interface Draft {
  readonly recipient: string;
  readonly action: RecipientAccess['action'];
  readonly hasReply: boolean;
  readonly code: string;
  readonly text: string;
  readonly bypass: boolean;
}

const EMPTY: Draft = { recipient: '', action: 'ACCEPT', hasReply: false, code: '', text: '', bypass: false };

function draftOf({ recipient, action, reply, bypassReceivingControl = false }: RecipientAccess): Draft {
  return {
    ...{ recipient, action, hasReply: reply !== undefined, bypass: bypassReceivingControl },
    ...{ code: reply === undefined ? '' : String(reply.code), text: reply?.text ?? '' },
  };
}

function itemOf({ recipient, action, hasReply, code, text, bypass }: Draft): RecipientAccess {
  return {
    recipient: recipient.trim(),
    action,
    ...(hasReply ? { reply: { code: Number(code), text } } : {}),
    ...(bypass ? { bypassReceivingControl: true } : {}),
  };
}

/** Add or edit a row of the recipient access table. */
export function RecipientAccessForm({ editing }: { readonly editing: string | undefined }) {
  const { rat: words } = useWords();
  return (
    <ItemEditor
      at={AT}
      words={words}
      editing={editing}
      isOrdered
      emptyDraft={EMPTY}
      draftOf={draftOf}
      itemOf={itemOf}
      missing={({ recipient }) => (recipient.trim() === '' ? { recipient: words.needRecipient } : {})}
      misfits={({ hasReply, code }): Record<string, string> =>
        hasReply && !/^\d{3}$/.test(code.trim()) ? { code: words.codeFault } : {}
      }
      hasField={(field) => field === 'recipient' || field === 'reply'}
      fields={(form) => (
        <>
          <NameField
            form={form}
            name="recipient"
            label={words.recipient}
            hint={words.recipientHint}
            settled={words.default}
          />
          <ChoiceField
            {...bindChoice(form, 'action')}
            label={words.action}
            options={(['ACCEPT', 'REJECT'] as const).map((action) => [action, words.actions[action]])}
          />
          <CheckBox isChecked={form.draft.hasReply} onChange={(hasReply) => form.change({ hasReply })}>
            {words.hasReply}
          </CheckBox>
          {form.draft.hasReply ? (
            <>
              <TextField
                {...bindText(form, 'code')}
                label={words.code}
                hint={form.draft.action === 'ACCEPT' ? words.codeHintAccept : words.codeHintReject}
                isShort
              />
              <TextField {...bindText(form, 'text')} label={words.text} faults={form.faultsOf('reply')} />
            </>
          ) : null}
          <CheckBox isChecked={form.draft.bypass} onChange={(bypass) => form.change({ bypass })}>
            {words.bypass}
          </CheckBox>
        </>
      )}
    />
  );
}
