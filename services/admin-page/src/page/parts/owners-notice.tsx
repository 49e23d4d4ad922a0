import { useWords } from '../words/words.ts';
import { Notice } from './notice.tsx';

/** What is missing from the figures on the page, if anything is. */
export function OwnersNotice({
  silentOwners,
  unownedPartitions = [],
}: {
  readonly silentOwners: readonly string[];
  readonly unownedPartitions?: readonly number[];
}) {
  const { common } = useWords();
  return (
    <>
      {silentOwners.length === 0 ? null : (
        <Notice tone="warning">{common.silentOwners(silentOwners.join(', '))}</Notice>
      )}
      {unownedPartitions.length === 0 ? null : (
        <Notice tone="warning">{common.unowned(unownedPartitions.length)}</Notice>
      )}
    </>
  );
}
