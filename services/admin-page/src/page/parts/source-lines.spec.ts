import { describe, expect, it } from 'vitest';
import { readSources, writeSources } from './source-lines.ts';

describe('the senders of a group', () => {
  it('are read as they were written, with their comments (R121, R130)', () => {
    const sources = [
      { source: '10.0.0.0/8', comment: 'the (main) office' },
      { source: '2001:db8::/32' },
      { source: 'SBRS[-10.0:-2.0]', comment: 'x' },
    ];
    expect(readSources(writeSources(sources))).toEqual(sources);
  });

  it('may stand several on a line, with commas or blanks between; what is none is judged, not lost', () => {
    expect(readSources(' 10.0.0.1, 10.0.0.2\n\n.example.com  mx.example.com\n10.0.0.3 (open')).toEqual(
      ['10.0.0.1', '10.0.0.2', '.example.com', 'mx.example.com', '10.0.0.3', '(open'].map((source) => ({ source })),
    );
  });
});
