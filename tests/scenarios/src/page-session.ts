import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { type Browser, type BrowserContext, chromium, type Locator, type Page } from 'playwright-core';
import type { Gateway } from './gateway.ts';
import type { Scenario } from './scenario.ts';

export const PASSWORD = 'correct horse battery';

/** How somebody looks at the page. */
export interface Viewer {
  readonly name?: string;
  readonly language?: 'en' | 'ja';
  readonly scheme?: 'light' | 'dark';
  readonly width?: number;
}

/** What axe found wrong, in a few words each. */
interface AxeResult {
  readonly violations: readonly {
    readonly id: string;
    readonly nodes: readonly { readonly html: string; readonly failureSummary?: string }[];
  }[];
}

/** Starts the real browser, once for a file of scenarios. */
export function startBrowser(): Promise<Browser> {
  // Chromium's own sandbox does not work as root; the page under test is ours.
  const args = process.getuid?.() === 0 ? ['--no-sandbox'] : [];
  return chromium.launch({ executablePath: '/usr/bin/chromium', args });
}

/** Makes the first administrator as who installs would, with the code that the gateway printed. */
export async function makeAdministrator(gateway: Gateway, name = 'admin'): Promise<void> {
  const origin = `http://${gateway.address('http')}`;
  const code = /enter the code (\S+),/.exec(gateway.output)?.[1];
  const answer = await fetch(`${origin}/api/v1/first-administrator`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', Origin: origin },
    body: JSON.stringify({ code, name, password: PASSWORD }),
  });
  if (!answer.ok) throw new Error(`first administrator: ${answer.status} ${await answer.text()}`);
}

/** The page of one gateway in a browser of its own; whatever it complains of fails the test that asks. */
export class PageSession {
  readonly page: Page;
  readonly origin: string;
  /** Errors of scripts, refusals of the content policy, requests that left the site. */
  readonly complaints: string[] = [];
  readonly #context: BrowserContext;

  private constructor(context: BrowserContext, page: Page, origin: string) {
    this.#context = context;
    this.page = page;
    this.origin = origin;
    page.on('pageerror', (error) => this.complaints.push(`error: ${error.message}`));
    page.on('console', (message) => {
      // A refused call is logged by the browser itself; the page shows it.
      if (message.type() === 'error' && !message.text().startsWith('Failed to load resource'))
        this.complaints.push(`console: ${message.text()}`);
    });
    page.on('dialog', (dialog) => {
      this.complaints.push(`a script asked: ${dialog.message()}`);
      void dialog.dismiss();
    });
    page.on('request', (request) => {
      if (!request.url().startsWith(`${origin}/`)) this.complaints.push(`left the site: ${request.url()}`);
    });
  }

  /** Opens the page, not signed in. */
  static async open(browser: Browser, scenario: Scenario, gateway: Gateway, viewer: Viewer = {}): Promise<PageSession> {
    const context = await browser.newContext({
      locale: viewer.language === 'ja' ? 'ja-JP' : 'en-GB',
      timezoneId: 'Asia/Tokyo',
      colorScheme: viewer.scheme ?? 'light',
      viewport: { width: viewer.width ?? 1280, height: 800 },
      acceptDownloads: true,
      reducedMotion: 'reduce',
    });
    scenario.onEnd(() => context.close());
    context.setDefaultTimeout(15_000);
    const session = new PageSession(context, await context.newPage(), `http://${gateway.address('http')}`);
    await session.page.goto(`${session.origin}/`);
    return session;
  }

  /** Opens the page and signs in; makes the first administrator when there is nobody yet. */
  static async signedIn(
    browser: Browser,
    scenario: Scenario,
    gateway: Gateway,
    viewer: Viewer = {},
  ): Promise<PageSession> {
    const { name = 'admin' } = viewer;
    if (name === 'admin' && (await nobodyYet(gateway))) await makeAdministrator(gateway);
    const session = await PageSession.open(browser, scenario, gateway, viewer);
    await session.signIn(name);
    return session;
  }

  /** Another tab of the same browser, signed in as this one is. */
  async another(): Promise<PageSession> {
    const session = new PageSession(this.#context, await this.#context.newPage(), this.origin);
    await session.page.goto(`${this.origin}/`);
    await session.page.locator('nav.menu').waitFor();
    return session;
  }

  async signIn(name: string, password = PASSWORD): Promise<void> {
    await this.page.locator('#sign-in-name').fill(name);
    await this.page.locator('#sign-in-password').fill(password);
    await this.page.locator('form button[type=submit]').click();
    await this.page.locator('nav.menu').waitFor();
  }

  /** Goes to a page of the menu by its address and waits until it says what it has to say. */
  async go(path: string): Promise<void> {
    await this.page.goto(`${this.origin}/#/${path}`);
    // The page before stands until the next frame is drawn.
    await this.page.evaluate('new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(drawn)))');
    await this.settled();
  }

  /** Waits until nothing on the page is still being read. */
  async settled(): Promise<void> {
    await this.page.locator('h1').waitFor();
    await this.page
      .locator('main')
      .getByText(/^(Loading…|読み込み中…)$/)
      .first()
      .waitFor({ state: 'detached' });
  }

  button(name: string | RegExp): Locator {
    return this.page.getByRole('button', typeof name === 'string' ? { name, exact: true } : { name });
  }

  link(name: string | RegExp): Locator {
    return this.page.getByRole('link', typeof name === 'string' ? { name, exact: true } : { name });
  }

  /** A row of the table, by the text of its head. */
  row(head: string): Locator {
    return this.page.getByRole('row').filter({ has: this.page.getByRole('rowheader', { name: head }) });
  }

  /** Presses Commit Changes at the top, gives a comment, commits. */
  async commitChanges(comment: string): Promise<void> {
    await this.page.locator('.menu .commit a').click();
    await this.page.getByLabel('Comment').fill(comment);
    await this.button('Commit Changes').click();
    await this.page.getByText(/^Committed as version \d+\.$/).waitFor();
  }

  /** What axe has against the page as it stands, by the rules of WCAG 2.2 A and AA. */
  async axe(): Promise<readonly string[]> {
    await this.page.evaluate(await readFile(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8'));
    const { violations } = await this.page.evaluate<AxeResult>(
      `axe.run(document, {runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice']})`,
    );
    return violations.flatMap(({ id, nodes }) =>
      nodes.map(
        ({ html, failureSummary = '' }) => `${id}: ${html.slice(0, 200)} ${failureSummary.replaceAll('\n', ' ')}`,
      ),
    );
  }

  /** By how many pixels the page is wider than the window. */
  async overflow(): Promise<number> {
    return await this.page.evaluate<number>('document.documentElement.scrollWidth - innerWidth');
  }

  close(): Promise<void> {
    return this.#context.close();
  }
}

async function nobodyYet(gateway: Gateway): Promise<boolean> {
  const answer = await fetch(`http://${gateway.address('http')}/api/v1/session`);
  return ((await answer.json()) as { code?: string }).code === 'FIRST_ADMINISTRATOR_NEEDED';
}
