import type { HostAccess } from '../api/values.ts';

type Source = HostAccess['sources'][number];

const WITH_COMMENT = /^(\S+)\s+\((.*)\)$/;

/** Sources as they are typed: a line each, a comment in parentheses behind it. */
export function writeSources(sources: readonly Source[]): string {
  return sources.map(({ source, comment }) => (comment === undefined ? source : `${source} (${comment})`)).join('\n');
}

/** Reads them; on a line without a comment several may stand, with commas or blanks between. */
export function readSources(text: string): Source[] {
  return text.split('\n').flatMap((line): Source[] => {
    const match = WITH_COMMENT.exec(line.trim());
    if (match !== null) return [{ source: match[1]!, comment: match[2]! }];
    return line
      .split(/[\s,]+/)
      .filter((source) => source !== '')
      .map((source) => ({ source }));
  });
}
