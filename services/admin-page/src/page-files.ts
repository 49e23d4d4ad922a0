import { createHash } from 'node:crypto';
import { mkdir, readdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';

/** One file of the page, ready to be sent. */
export interface PageFile {
  /** `/` or `/assets/NAME`. */
  readonly path: string;
  readonly contentType: string;
  readonly content: Buffer;
  /** The same, for a browser that takes gzip. */
  readonly gzipped: Buffer;
  /** Its name changes with its content, so that a browser may keep it for good. */
  readonly isImmutable: boolean;
}

interface KeptFile {
  readonly path: string;
  readonly contentType: string;
  readonly content: string;
}

interface KeptPage {
  readonly fingerprint: string;
  readonly files: readonly KeptFile[];
}

const SOURCES = join(import.meta.dirname, 'page');
const KEPT = join(import.meta.dirname, '../dist/page/page.json');

let page: Promise<ReadonlyMap<string, PageFile>> | undefined;

/**
 * The files of the page by path, made once a process: as they were built before, if their sources are still the same,
 * else bundled now (in a process of the bundler's own, so that mail does not wait for it).
 *
 * @throws Error when they are not built and the bundler is not installed
 */
export function pageFiles(): Promise<ReadonlyMap<string, PageFile>> {
  page ??= makePage();
  page.catch(() => {
    page = undefined;
  });
  return page;
}

async function makePage(): Promise<ReadonlyMap<string, PageFile>> {
  const fingerprint = await fingerprintOf();
  const kept = await readKept();
  const files = kept?.fingerprint === fingerprint ? kept.files : await bundle();
  // Where the folder cannot be written (an image, another user's checkout), the next start bundles again.
  if (files !== kept?.files) await keep({ fingerprint, files }).catch(() => undefined);
  return new Map(await Promise.all(files.map(async (file) => [file.path, await ready(file)] as const)));
}

/** A hash over the names and contents of all sources. */
async function fingerprintOf(): Promise<string> {
  const entries = await readdir(SOURCES, { recursive: true, withFileTypes: true });
  const paths = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  const hash = createHash('sha256');
  const contents = await Promise.all(paths.sort().map((path) => readFile(path)));
  for (const [index, path] of paths.entries()) hash.update(path.slice(SOURCES.length)).update(contents[index]!);
  return hash.digest('hex');
}

async function readKept(): Promise<KeptPage | undefined> {
  try {
    return JSON.parse(await readFile(KEPT, 'utf8')) as KeptPage;
  } catch {
    return undefined;
  }
}

async function keep(made: KeptPage): Promise<void> {
  await mkdir(join(KEPT, '..'), { recursive: true });
  const part = `${KEPT}.${process.pid}`;
  await writeFile(part, JSON.stringify(made));
  await rename(part, KEPT);
}

async function bundle(): Promise<KeptFile[]> {
  // Loaded only here: a gateway whose page was built has no bundler in memory.
  const { build, stop } = await import('esbuild');
  try {
    const { outputFiles } = await build({
      entryPoints: [join(SOURCES, 'main.tsx'), join(SOURCES, 'styles/page.css')],
      entryNames: '[name]-[hash]',
      outdir: '/assets',
      bundle: true,
      minify: true,
      write: false,
      format: 'esm',
      target: ['chrome123', 'firefox120', 'safari17.5'],
      charset: 'utf8',
      jsx: 'automatic',
      jsxImportSource: 'preact',
      legalComments: 'none',
      logLevel: 'silent',
    });
    const assets = outputFiles.map(({ path, text }) => ({
      path,
      contentType: path.endsWith('.css') ? 'text/css; charset=utf-8' : 'text/javascript; charset=utf-8',
      content: text,
    }));
    const named = (end: string): string => assets.find(({ path }) => path.endsWith(end))!.path;
    const html = (await readFile(join(SOURCES, 'index.html'), 'utf8'))
      .replace('/assets/page.css', named('.css'))
      .replace('/assets/main.js', named('.js'));
    const icon = await readFile(join(SOURCES, 'icon.svg'), 'utf8');
    return [
      ...assets,
      { path: '/', contentType: 'text/html; charset=utf-8', content: html },
      { path: '/assets/icon.svg', contentType: 'image/svg+xml', content: icon },
    ];
  } finally {
    await stop();
  }
}

async function ready({ path, contentType, content }: KeptFile): Promise<PageFile> {
  const octets = Buffer.from(content);
  return {
    path,
    contentType,
    content: octets,
    gzipped: await promisify(gzip)(octets, { level: 9 }),
    isImmutable: /-[A-Z0-9]{8}\./.test(path),
  };
}
