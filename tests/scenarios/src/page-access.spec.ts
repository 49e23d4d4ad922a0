/** For everyone: keyboard alone, screen readers (axe, WCAG 2.2 AA), narrow screens, both schemes, both languages (R206). */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describeWith } from '@mailyard/testkit/services/require-service';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Gateway } from './gateway.ts';
import { PageSession, startBrowser } from './page-session.ts';
import { freePort, message, Scenario, untilStatus } from './scenario.ts';

/** More than thirty pages, each judged by axe and drawn in two widths, take a while on a busy machine. */
const PAGES: readonly string[] = [
  'monitor/overview',
  'monitor/queue',
  'monitor/tracking',
  'network/smtp-routes',
  'network/smtp-routes/add',
  'network/smtp-routes/edit/example.com',
  'network/smtp-routes/import',
  'network/smtp-routes/export',
  'network/bounce-profiles',
  'network/bounce-profiles/add',
  'network/bounce-profiles/edit/quick',
  'mail-policies/hat',
  'mail-policies/hat/add',
  'mail-policies/hat/edit/RELAYLIST',
  'mail-policies/hat/edit/.spam.example',
  'mail-policies/flow-policies',
  'mail-policies/flow-policies/edit/%24SLOW',
  'mail-policies/rat',
  'mail-policies/rat/add',
  'mail-policies/rat/edit/ALL',
  'mail-policies/rat/edit/former%40example.com',
  'mail-policies/destination-controls',
  'mail-policies/destination-controls/edit/DEFAULT',
  'mail-policies/destination-controls/edit/example.com',
  'system/commit',
  'system/changes',
  'system/changes/1',
  'system/changes/diff?from=1&to=2',
  'system/setup',
  'system/password',
];

/** Rows of each section that the pages edit, with what makes them wide. */
const SECTIONS = {
  rat: [
    { recipient: 'former@example.com', action: 'REJECT', reply: { code: 551, text: 'x'.repeat(300) } },
    { recipient: 'example.com', bypassReceivingControl: true },
    `${'a'.repeat(60)}.${'b'.repeat(60)}.example`,
  ],
  bounceProfiles: { quick: { maxRetries: 2, notices: false } },
  destinationControls: { 'example.com': { maxConnections: 2, tls: 'requiredVerify', bounceProfile: 'quick' } },
  mailFlowPolicies: [{ name: 'SLOW', action: 'ACCEPT', parameters: { max_rcpts_per_hour: 100, spam_check: 'on' } }],
  hat: [
    { group: 'RELAYLIST', sources: ['127.0.0.0/8', { source: '10.0.0.0/8', comment: 'us' }], policy: '$RELAYED' },
    { source: '.spam.example', action: 'REJECT', parameters: { smtp_banner_text: 'x'.repeat(300) } },
    { listener: 'inside', source: 'ALL', policy: '$SLOW' },
  ],
} as const;

/** A gateway with a little of everything: a queue, a history, something suspended, something pending. */
async function livedIn(scenario: Scenario): Promise<Gateway> {
  const gateway = await scenario.gateway(['--accept', `example.com=127.0.0.1:${await freePort()}`]);
  await gateway.command('smtproutes', 'new', '.partners.example', 'mail.partners.example:2525', 'b.example/pri=10');
  const file = join(scenario.folder, 'sections.json');
  await writeFile(file, JSON.stringify(SECTIONS));
  await gateway.json('apply', '-f', file, 'yes');
  await scenario.client(gateway).sendMail(message(['u@example.com', 'v@example.com']));
  await untilStatus(gateway, ({ waiting }) => waiting === 2);
  await gateway.json('queue', 'suspend', 'delivery', '--domain', 'example.com', '--reason', 'they move house');
  return gateway;
}

await describeWith(['chromium'], 'the page for everyone', () => {
  let browser: Browser;
  beforeAll(async () => {
    browser = await startBrowser();
  });
  afterAll(() => browser.close());

  for (const language of ['en', 'ja'] as const)
    for (const scheme of ['light', 'dark'] as const)
      it(`is clean for axe and fits wide and narrow screens: ${language}, ${scheme}`, async () => {
        await using scenario = await Scenario.begin();
        const gateway = await livedIn(scenario);
        const first = await PageSession.open(browser, scenario, gateway, { language, scheme });
        await first.page.locator('#code').waitFor();
        expect(await first.axe(), 'the first administrator').toEqual([]);
        await first.close();
        const view = await PageSession.signedIn(browser, scenario, gateway, { language, scheme });
        const { page } = view;
        expect(await page.locator('html').getAttribute('lang')).toBe(language);
        await view.go('network/smtp-routes/add');
        await page.locator('#receiving-domain').fill('new.example');
        await page.locator('[id^=host-]').first().fill('mail.new.example');
        await page.locator('form button[type=submit]').click();
        await page.locator('.menu .pending').waitFor();
        await view.go('mail-policies/rat');
        await page.locator('.order button').nth(1).click();
        await page.locator('.tag.moved').waitFor();
        await view.go('monitor/tracking');
        const href = await page.locator('tbody th a').first().getAttribute('href');
        await view.go('monitor/queue');
        const destination = await page.locator('tbody th a').first().getAttribute('href');
        for (const path of [...PAGES, href!.slice(2), destination!.slice(2)]) {
          await view.go(path);
          if (/add|edit/.test(path) && !path.startsWith('network/smtp'))
            await page.locator('main form button[type=submit]').waitFor();
          expect(await view.axe(), path).toEqual([]);
          for (const width of [320, 1280]) {
            await page.setViewportSize({ width, height: 800 });
            expect(await view.overflow(), `${path} at ${width}`).toBeLessThanOrEqual(0);
          }
        }
        await view.go('monitor/queue');
        for (const opener of ['.actions button >> nth=0', '.actions button >> nth=1', '.notice button']) {
          await page.locator(opener).click();
          await page.locator('dialog').waitFor();
          expect(await view.axe(), `the dialog of ${opener}`).toEqual([]);
          await page.keyboard.press('Escape');
        }
        await page.locator('.tools button').last().click();
        await page.locator('#sign-in-password').waitFor();
        expect(await view.axe(), 'sign in').toEqual([]);
        expect(view.complaints).toEqual([]);
      });

  it('is worked with the keyboard alone, from signing in to a commit', async () => {
    await using scenario = await Scenario.begin();
    const sink = await scenario.sink();
    const gateway = await scenario.gateway(['--accept', `example.com=127.0.0.1:${await freePort()}`]);
    const warm = await PageSession.signedIn(browser, scenario, gateway);
    await warm.close();
    const view = await PageSession.open(browser, scenario, gateway);
    const { page } = view;
    const { keyboard } = page;
    /** Presses Tab until what has the focus is called so. */
    const tabTo = async (name: string): Promise<void> => {
      for (let presses = 0; presses < 60; presses++) {
        await keyboard.press('Tab');
        const focused = (await page.evaluate(`(() => {
          const element = document.activeElement;
          const label = element.labels?.[0]?.textContent ?? element.getAttribute('aria-label') ?? element.textContent;
          return label.trim();
        })()`)) as string;
        if (focused === name || focused.startsWith(`${name} `)) {
          expect(await page.evaluate('document.activeElement.matches(":focus-visible")')).toBe(true);
          return;
        }
      }
      throw new Error(`Tab never came to ${name}`);
    };
    await page.locator('#sign-in-name').waitFor();
    await tabTo('User name');
    await keyboard.type('admin');
    await tabTo('Password');
    await keyboard.type('correct horse battery');
    await keyboard.press('Enter');
    await page.locator('nav.menu').waitFor();
    await tabTo('Network');
    await keyboard.press('Enter');
    await page.getByRole('heading', { name: 'SMTP Routes', exact: true }).waitFor();
    await view.settled();
    await tabTo('example.com');
    await keyboard.press('Enter');
    await page.getByRole('heading', { name: 'Edit SMTP Route' }).waitFor();
    await page.locator('#receiving-domain').waitFor();
    await tabTo('Port');
    await keyboard.press('Control+A');
    await keyboard.type(String(sink.port));
    await keyboard.press('Enter');
    await page.getByText(/^Submitted\./).waitFor();
    await page.getByRole('heading', { name: 'SMTP Routes', exact: true }).waitFor();
    await keyboard.press('Shift+Tab');
    await page.locator('.menu .commit a').focus();
    await keyboard.press('Enter');
    await page.getByRole('heading', { name: 'Uncommitted Changes' }).waitFor();
    await tabTo('Comment');
    await keyboard.type('by keyboard');
    await tabTo('Abandon Changes');
    await keyboard.press('Enter');
    await page.getByRole('dialog').waitFor();
    await keyboard.press('Escape');
    await page.getByRole('dialog').waitFor({ state: 'detached' });
    expect(await page.evaluate('document.activeElement.textContent')).toBe('Abandon Changes');
    // Its answer no has been taken.
    await page.locator('dialog').waitFor({ state: 'detached' });
    await keyboard.press('Enter');
    await page.getByRole('dialog').waitFor();
    await keyboard.press('Enter');
    await page.locator('dialog').waitFor({ state: 'detached' });
    expect(await page.evaluate('document.activeElement.textContent')).toBe('Abandon Changes');
    await tabTo('Commit Changes');
    await keyboard.press('Enter');
    await page.getByText(/^Committed as version/).waitFor();
    await scenario.client(gateway).sendMail(message(['u@example.com']));
    await sink.until(({ accepted }) => accepted === 1);
    expect(view.complaints).toEqual([]);
  });

  it('remembers language and colours', async () => {
    await using scenario = await Scenario.begin();
    const gateway = await scenario.gateway();
    const view = await PageSession.signedIn(browser, scenario, gateway);
    const { page } = view;
    await view.button('日本語').click();
    await page.getByLabel('配色').selectOption('dark');
    await page.reload();
    await page.getByRole('heading', { name: '概要' }).waitFor();
    expect(await page.locator('html').getAttribute('data-scheme')).toBe('dark');
    await view.go('network/smtp-routes/add');
    await page.getByLabel('受信ドメイン').fill('*.example.com');
    await page.getByText('「*.example.com」は受信ドメインとして使えません', { exact: false }).waitFor();
    expect(view.complaints).toEqual([]);
  });
});
