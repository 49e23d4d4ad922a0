import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { pageFiles } from './page-files.ts';

describe('the files of the page', () => {
  it('are made from the sources, small, each named by its content, and name nothing of other sites', async () => {
    await rm(join(import.meta.dirname, '../dist/page'), { recursive: true, force: true });
    const files = await pageFiles();
    expect(await pageFiles()).toBe(files);
    let octets = 0;
    for (const [path, { content, gzipped, isImmutable, contentType }] of files) {
      octets += content.length;
      expect(gzipped.length).toBeLessThanOrEqual(content.length + 64);
      expect(isImmutable).toBe(/\.(js|css)$/.test(path));
      expect(contentType).toMatch(/^(text\/html|text\/css|text\/javascript|image\/svg\+xml)/);
      // Names of XML namespaces are no addresses that anything is read from.
      const named = content.toString().match(/https?:\/\/[^"'`\s)]+/g) ?? [];
      expect(named.filter((address) => !address.startsWith('http://www.w3.org/'))).toEqual([]);
    }
    expect(octets).toBeLessThan(200_000);
    const html = files.get('/')!.content.toString();
    for (const match of html.matchAll(/(?:src|href)="([^"]+)"/g)) expect(files.has(match[1]!)).toBe(true);
    expect(html).not.toMatch(/<style|style=|<script(?![^>]*src=)| on[a-z]+=/);
  });
});
