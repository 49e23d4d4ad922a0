import type { Reply } from '../api/values.ts';

/** What a host answered, as it said it. */
export function ReplyText({ reply }: { readonly reply: Reply | undefined }) {
  if (reply === undefined) return <span class="quiet">–</span>;
  const { code, enhancedStatus, text } = reply;
  return <code class="reply">{[code, enhancedStatus, text].filter((part) => part !== undefined).join(' ')}</code>;
}
