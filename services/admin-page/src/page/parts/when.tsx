import { useWords, type Words } from '../words/words.ts';

/** An instant in the viewer's zone; the exact one, in UTC, is its title. */
export function When({ at }: { readonly at: number | undefined }) {
  const { language } = useWords();
  if (at === undefined || at === 0) return <span class="quiet">–</span>;
  const date = new Date(at);
  return (
    <time dateTime={date.toISOString()} title={date.toISOString()}>
      {new Intl.DateTimeFormat(language, { dateStyle: 'medium', timeStyle: 'medium', hourCycle: 'h23' }).format(date)}
    </time>
  );
}

/** How long ago, or how long from now, in one unit. */
export function spanText(ms: number, words: Words): string {
  const { seconds, minutes, hours, days } = words.common;
  const s = Math.max(0, Math.round(ms / 1000));
  if (s < 100) return `${s} ${seconds}`;
  if (s < 6000) return `${Math.round(s / 60)} ${minutes}`;
  if (s < 172_800) return `${Math.round(s / 3600)} ${hours}`;
  return `${Math.round(s / 86_400)} ${days}`;
}
