/** What happens to a page in the course of a day: slow networks, several tabs, sessions that end, a gateway that restarts. */
import { join } from 'node:path';
import { describeWith } from '@mailyard/testkit/services/require-service';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Gateway, mailyard } from './gateway.ts';
import { PASSWORD, PageSession, startBrowser } from './page-session.ts';
import { freePort, Scenario } from './scenario.ts';

const ROUTE = 'example.com=mail.example.com';

async function setUser(scenario: Scenario, name: string, password = PASSWORD): Promise<void> {
  const words = ['user', 'set', name, '--role', 'administrator', '--data', join(scenario.folder, 'data')];
  const result = await mailyard(words, { input: `${password}\n` });
  if (result.status !== 0) throw new Error(result.stderr);
}

/** Fills in another host for example.com, and does not submit it. */
async function typeHost(view: PageSession, host: string): Promise<void> {
  await view.go('network/smtp-routes/edit/example.com');
  // It is judged once the typing rests.
  const judged = view.page.waitForResponse(
    (answer) => answer.url().endsWith('/routes/check') && answer.request().postData()?.includes(host) === true,
  );
  await view.page.getByLabel('Destination host', { exact: true }).fill(host);
  await judged;
}

const signIn = (view: PageSession) => view.page.getByRole('dialog', { name: 'Sign In' });

await describeWith(['chromium'], 'in the course of a day', () => {
  let browser: Browser;
  beforeAll(async () => {
    browser = await startBrowser();
  });
  afterAll(() => browser.close());

  it('a slow network: whoever has gone on to Commit Changes meanwhile is left there, and sees the change come', async () => {
    await using scenario = await Scenario.begin();
    const view = await PageSession.signedIn(browser, scenario, await scenario.gateway(['--accept', ROUTE]));
    const { page } = view;
    let letGo: () => void = () => undefined;
    const released = new Promise<void>((resolve) => (letGo = resolve));
    await page.route('**/api/v1/pending/edits', async (route) => {
      await released;
      await route.continue();
    });
    await typeHost(view, 'new.example.com');
    const submitted = page.waitForResponse('**/api/v1/pending/edits');
    await view.button('Submit').click();
    await page.locator('.menu .commit a').click();
    await page.getByText('Nothing is pending.').waitFor();
    letGo();
    await submitted;
    await page.getByText(/^Submitted\./).waitFor();
    await page.locator('ins').getByText('new.example.com').waitFor();
    expect(page.url()).toContain('#/system/commit');
    expect(view.complaints).toEqual([]);
  });

  it('a slow network: nothing moves under the pointer when the judgement of an entry comes', async () => {
    await using scenario = await Scenario.begin();
    const view = await PageSession.signedIn(browser, scenario, await scenario.gateway(['--accept', ROUTE]));
    const { page } = view;
    let letGo: () => void = () => undefined;
    const released = new Promise<void>((resolve) => (letGo = resolve));
    await page.route('**/api/v1/routes/check', async (route) => {
      await released;
      await route.continue();
    });
    const judged = page.waitForResponse('**/api/v1/routes/check');
    await view.go('network/smtp-routes/edit/example.com');
    const before = await view.button('Submit').boundingBox();
    expect(before).not.toBeNull();
    letGo();
    await (await judged).finished();
    await page.evaluate('new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(drawn)))');
    expect(await view.button('Submit').boundingBox()).toEqual(before);
    expect(view.complaints).toEqual([]);
  });

  it('a session that ends while a form is open: the form waits, and goes on after signing in', async () => {
    await using scenario = await Scenario.begin();
    const gateway = await scenario.gateway(['--accept', ROUTE]);
    await setUser(scenario, 'hanako');
    const view = await PageSession.signedIn(browser, scenario, gateway, { name: 'hanako' });
    const { page } = view;
    await typeHost(view, 'typed-before.example.com');
    await setUser(scenario, 'hanako', 'another password entirely');
    await signIn(view).waitFor({ timeout: 40_000 });
    await page.getByText('Your session has ended.', { exact: false }).waitFor();
    expect(await page.locator('#receiving-domain').isVisible()).toBe(false);
    expect(await view.axe()).toEqual([]);
    await signIn(view).getByLabel('Password').fill(PASSWORD);
    await signIn(view).getByRole('button', { name: 'Sign In' }).click();
    await signIn(view).getByRole('alert').waitFor();
    await signIn(view).getByLabel('Password').fill('another password entirely');
    await signIn(view).getByRole('button', { name: 'Sign In' }).click();
    await signIn(view).waitFor({ state: 'detached' });
    expect(await page.getByLabel('Destination host', { exact: true }).inputValue()).toBe('typed-before.example.com');
    await view.button('Submit').click();
    await page.getByText(/^Submitted\./).waitFor();
    expect(view.complaints).toEqual([]);
  });

  it('two tabs: one that signs in anew does not spoil what the other is about to submit', async () => {
    await using scenario = await Scenario.begin();
    const gateway = await scenario.gateway(['--accept', ROUTE]);
    await setUser(scenario, 'hanako');
    await setUser(scenario, 'taro');
    const view = await PageSession.signedIn(browser, scenario, gateway, { name: 'hanako' });
    await typeHost(view, 'from-the-first-tab.example.com');
    // It hears of the other tab only when it submits.
    await view.page.route('**/api/v1/pending/count', (route) => route.abort());
    const second = await view.another();
    await second.button('Sign Out').click();
    await second.signIn('hanako');
    await view.button('Submit').click();
    await view.page.getByText(/^Submitted\./).waitFor();
    // Another user in the other tab: the first one is theirs too then, and submits nothing in the wrong name.
    await typeHost(view, 'in-whose-name.example.com');
    await second.button('Sign Out').click();
    await second.signIn('taro');
    await view.button('Submit').click();
    await view.page.locator('.who').getByText('taro').waitFor();
    await view.go('system/commit');
    await view.page.getByText('Nothing is pending.').waitFor();
    expect([...view.complaints, ...second.complaints]).toEqual([]);
  });

  it('a new password: the next change is taken, and the page of the old session asks to sign in', async () => {
    await using scenario = await Scenario.begin();
    const gateway = await scenario.gateway(['--accept', ROUTE]);
    await setUser(scenario, 'hanako');
    const view = await PageSession.signedIn(browser, scenario, gateway, { name: 'hanako' });
    const elsewhere = await PageSession.signedIn(browser, scenario, gateway, { name: 'hanako' });
    await view.go('system/password');
    await view.page.getByLabel('Present password').fill(PASSWORD);
    await view.page.getByLabel('New password').fill('a new one, quite as long');
    await view.page.getByLabel('Password, again').fill('a new one, quite as long');
    await view.button('Submit').click();
    await view.page.getByText(/^The password is changed\./).waitFor();
    await typeHost(view, 'with-the-new-password.example.com');
    await view.button('Submit').click();
    await view.page.getByText(/^Submitted\./).waitFor();
    await signIn(elsewhere).waitFor({ timeout: 40_000 });
    await elsewhere.page.keyboard.press('Escape');
    await elsewhere.page.getByRole('heading', { name: 'Sign In' }).waitFor();
    expect([...view.complaints, ...elsewhere.complaints]).toEqual([]);
  });

  it.each(['SIGTERM', 'SIGKILL'] as const)(
    'a gateway that restarts (%s): nobody is signed out, what was submitted and what is being typed stay',
    async (signal) => {
      await using scenario = await Scenario.begin();
      let gateway: Gateway = await scenario.gateway(['--accept', ROUTE]);
      const view = await PageSession.signedIn(browser, scenario, gateway);
      const { page } = view;
      await typeHost(view, 'first.example.com');
      await view.button('Submit').click();
      await page.getByText(/^Submitted\./).waitFor();
      await typeHost(view, 'second.example.com');
      const { port } = new URL(view.origin);
      await gateway.end(signal);
      await view.button('Submit').click();
      await page.getByText('The gateway does not answer.', { exact: false }).first().waitFor();
      gateway = await scenario.gateway(['--http', `127.0.0.1:${port}`]);
      await view.button('Submit').click();
      await page.getByText(/^Submitted\./).waitFor();
      await view.commitChanges('over a restart');
      expect((await gateway.command('smtproutes', 'print')).stdout).toContain('second.example.com');
      expect(view.complaints.filter((text) => !text.includes('ERR_CONNECTION'))).toEqual([]);
    },
  );

  it('back and reload: the list is where it was, with its search and its page', async () => {
    await using scenario = await Scenario.begin();
    const port = await freePort();
    const domains = Array.from({ length: 60 }, (_, number) => `d${String(number).padStart(2, '0')}.example`);
    const gateway = await scenario.gateway(domains.flatMap((domain) => ['--accept', `${domain}=127.0.0.1:${port}`]));
    const view = await PageSession.signedIn(browser, scenario, gateway);
    const { page } = view;
    await view.go('network/smtp-routes');
    await view.button('Next').click();
    await view.row('d55.example').waitFor();
    await view.link('d55.example').click();
    await page.getByRole('heading', { name: 'Edit SMTP Route' }).waitFor();
    await page.goBack();
    await view.row('d55.example').waitFor();
    await page.getByLabel('Domain or host').fill('d07');
    await view.row('d07.example').waitFor();
    await page.reload();
    await view.row('d07.example').waitFor();
    expect(await page.getByLabel('Domain or host').inputValue()).toBe('d07');
    await page.goForward().catch(() => undefined);
    await page.goBack();
    await page.goBack();
    await page.getByRole('heading', { level: 1 }).waitFor();
    expect(view.complaints).toEqual([]);
  });
});
