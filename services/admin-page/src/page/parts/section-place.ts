import type { ItemSection } from '../api/values.ts';
import { useWords } from '../words/words.ts';

/** A section that is edited item by item, and the address of its table. */
export interface SectionPlace<S extends ItemSection> {
  readonly section: S;
  readonly place: readonly [area: 'mail-policies' | 'network', page: string];
}

/** What its pages are called. */
export interface SectionWords {
  readonly title: string;
  readonly intro: string;
  readonly add: string;
  readonly edit: string;
  /** What holds without any row. */
  readonly none?: string;
}

/** The area of the menu that it stands in. */
export function useArea<S extends ItemSection>({ place: [area] }: SectionPlace<S>): string {
  const { menu } = useWords();
  return area === 'network' ? menu.network : menu.mailPolicies;
}
