/** What others wrote, in every field of the page, is text: nothing of it runs, breaks the layout or leaves the site (XSS row of the Security table). */
import { writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import { describeWith } from '@mailyard/testkit/services/require-service';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { PageSession, startBrowser } from './page-session.ts';
import { freePort, message, Scenario, untilStatus } from './scenario.ts';

/** Many pages a test, on a machine that may be busy. */
const HOSTILE: readonly string[] = [
  '<script>alert(1)</script>',
  '"><img src=https://evil.example/x onerror=alert(1)>',
  `'"\`;--%00\\`,
  '\u001b[31mred\u001b[0m\u0007\u009b2J',
  'javascript:alert(1)',
  '\u202ereversed\u2066\u200b',
  '__proto__',
  'x'.repeat(10_000),
];

/** Forms of rows, and what is typed into each. */
const FORMS: Readonly<Record<string, readonly string[]>> = {
  'mail-policies/rat/add': ['#recipient'],
  'mail-policies/destination-controls/add': ['#domain', '#maxConnections', '#windowMinutes'],
  'mail-policies/hat/add': ['#group', '#sources', '#comment', '#listener', '#place'],
  'mail-policies/flow-policies/add': [
    '#name',
    '#parameters-max_message_size',
    '#parameters-smtp_banner_text',
    '#others',
  ],
  'network/bounce-profiles/add': ['#name', '#maxRetries'],
};

await describeWith(['chromium'], 'hostile text on the page', () => {
  let browser: Browser;
  beforeAll(async () => {
    browser = await startBrowser();
  });
  afterAll(() => browser.close());

  it('in every field that somebody types into', async () => {
    await using scenario = await Scenario.begin();
    const gateway = await scenario.gateway(['--accept', `example.com=127.0.0.1:${await freePort()}`]);
    const view = await PageSession.signedIn(browser, scenario, gateway);
    const { page } = view;
    const check = async (what: string): Promise<void> => {
      expect(view.complaints, what).toEqual([]);
      expect(await view.overflow(), what).toBeLessThanOrEqual(0);
      expect(await page.locator('main script, main img, main iframe').count(), what).toBe(0);
    };
    for (const text of HOSTILE) {
      const name = JSON.stringify(text.slice(0, 20));
      await view.go('network/smtp-routes/add');
      await page.getByLabel('Receiving Domain').fill(text);
      await page.getByLabel('Destination host', { exact: true }).fill(text);
      await page.getByLabel('Port').fill(text);
      await page.getByLabel('Priority').fill(text);
      await page.locator('.faults p, form [role=alert]').first().waitFor();
      await view.button('Submit').click();
      await check(`the form, ${name}`);
      await view.go('network/smtp-routes');
      await page.getByLabel('Domain or host').fill(text.slice(0, 300));
      await page.getByLabel('Recipient address or domain').fill(text.slice(0, 900));
      await view.button('Find Route').click();
      await page.locator('.explain [role=alert], .explained').first().waitFor();
      await check(`search and explain, ${name}`);
      await view.go('monitor/tracking');
      await page.locator('#search').fill(text.slice(0, 1000));
      await view.button('Search').click();
      await page.locator('main').getByText('No message found.').or(page.locator('main [role=alert]')).waitFor();
      await check(`tracking, ${name}`);
      await view.go(`monitor/queue/${encodeURIComponent(text.slice(0, 1500))}`);
      await check(`a destination, ${name}`);
      await view.go('network/smtp-routes/export');
      await page.getByLabel('File name').fill(text);
      await check(`export, ${name}`);
      for (const [path, fields] of Object.entries(FORMS)) {
        await view.go(path);
        for (const field of fields) await page.locator(field).fill(text);
        await view.button('Submit').click();
        // Some of it is a name that is taken.
        await page.locator('.faults p, form [role=alert], .notice.good').first().waitFor();
        await check(`${path}, ${name}`);
      }
      for (const path of ['mail-policies/rat', 'mail-policies/hat', 'mail-policies/destination-controls']) {
        await view.go(path);
        await page.getByLabel('Search for').fill(text.slice(0, 300));
        await check(`${path}, ${name}`);
        await view.go(`${path}/edit/${encodeURIComponent(text.slice(0, 1_000))}`);
        await page.locator('.notice, main form.box').first().waitFor();
        await check(`${path} edit, ${name}`);
      }
    }
  });

  it('in what rows keep: answers, comments, parameters', async () => {
    await using scenario = await Scenario.begin();
    const gateway = await scenario.gateway(['--accept', `example.com=127.0.0.1:${await freePort()}`]);
    const [script] = HOSTILE;
    const text = `${script}"><img src=x onerror=alert(1)>`;
    const file = join(scenario.folder, 'sections.json');
    const sections = {
      rat: ['example.com', { recipient: '"<script>"@example.com', action: 'REJECT', reply: { code: 550, text } }],
      mailFlowPolicies: [{ name: 'P', action: 'ACCEPT', parameters: { smtp_banner_text: text } }],
      hat: [
        { group: 'G', sources: [{ source: '10.0.0.0/8', comment: '<b>(x)</b>' }], policy: '$P', comment: '<b>y</b>' },
        { source: '192.0.2.1', action: 'REJECT', parameters: { spam_check: text } },
      ],
    };
    await writeFile(file, JSON.stringify(sections));
    await gateway.json('apply', '-f', file, 'yes');
    const view = await PageSession.signedIn(browser, scenario, gateway);
    const { page } = view;
    for (const [path, said] of [
      ['mail-policies/rat', text],
      ['mail-policies/rat/edit/%22%3Cscript%3E%22%40example.com', ''],
      ['mail-policies/flow-policies', text],
      ['mail-policies/flow-policies/edit/%24P', ''],
      ['mail-policies/hat', '<b>y</b>'],
      ['mail-policies/hat/edit/G', ''],
      ['mail-policies/hat/edit/192.0.2.1', ''],
      ['system/changes/3', text],
    ] as const) {
      await view.go(path);
      await page.locator('main table, main form').first().waitFor();
      expect(await page.locator('main').innerText(), path).toContain(said);
      expect(await page.locator('main script, main img, main b').count(), path).toBe(0);
      expect(await view.overflow(), path).toBeLessThanOrEqual(0);
    }
    expect(view.complaints).toEqual([]);
  });

  it('in a comment, in the name and the lines of a file', async () => {
    await using scenario = await Scenario.begin();
    const gateway = await scenario.gateway(['--accept', `example.com=127.0.0.1:${await freePort()}`]);
    const view = await PageSession.signedIn(browser, scenario, gateway);
    const { page } = view;
    const comment = HOSTILE.join(' ').slice(0, 1000);
    await view.go('network/smtp-routes/edit/ALL');
    await page.getByLabel('these hosts').check();
    await page.getByLabel('Destination host', { exact: true }).fill('relay.example.net');
    await view.button('Submit').click();
    await page.getByText(/^Submitted\./).waitFor();
    await view.commitChanges(comment);
    await view.go('system/changes');
    expect(await page.locator('main').innerText()).toContain('<script>alert(1)</script>');
    await page.locator('tbody a').first().click();
    await page.locator('dl.facts').waitFor();
    expect(await page.locator('main').innerText()).toContain('<script>alert(1)</script>');
    const file = join(scenario.folder, '<img src=x onerror=alert(1)>.txt');
    await writeFile(file, HOSTILE.map((text) => text.replaceAll('\n', ' ')).join('\n'));
    await view.go('network/smtp-routes/import');
    await page.getByLabel('File', { exact: true }).setInputFiles(file);
    await view.button('Submit').click();
    await page.getByText(/faults: nothing of this file is imported/).waitFor();
    expect(await page.locator('main').innerText()).toContain('<img src=x onerror=alert(1)>.txt');
    expect(await view.overflow()).toBeLessThanOrEqual(0);
    expect(view.complaints).toEqual([]);
  });

  it('in HELO names, senders, Message-IDs and the replies of hosts', async () => {
    await using scenario = await Scenario.begin();
    const sink = await scenario.sink({
      onStep: ({ step }) => (step === 'rcpt' ? { reply: `451 4.7.1 ${HOSTILE.slice(0, 4).join(' ')}` } : undefined),
    });
    const gateway = await scenario.gateway(['--accept', `example.com=127.0.0.1:${sink.port}`]);
    await speak(gateway.smtpPort, [
      'EHLO <script>alert(1)</script>',
      'MAIL FROM:<"<script>alert(1)</script>"@origin.example>',
      'RCPT TO:<"<img src=x onerror=alert(2)>"@example.com>',
      'DATA',
      'Message-ID: <"><script>alert(3)</script>@x>\r\nSubject: <b>x</b>\r\n\r\nhello\r\n.',
    ]);
    await scenario
      .client(gateway)
      .sendMail(message(['u@example.com'], 'x', { messageId: '<a"><svg/onload=alert(1)>@x>' }));
    await untilStatus(gateway, ({ waiting }) => waiting >= 1);
    const view = await PageSession.signedIn(browser, scenario, gateway);
    const { page } = view;
    await view.go('monitor/tracking');
    await page.locator('tbody th a').first().waitFor();
    const hrefs: string[] = [];
    for (const link of await page.locator('tbody th a').all()) hrefs.push((await link.getAttribute('href'))!);
    for (const href of hrefs) {
      await view.go(href.slice(2));
      await page.locator('.timeline .deferred').first().waitFor();
      expect(await page.locator('.timeline').innerText()).toContain('<script>alert(1)</script>');
    }
    await view.go('monitor/queue');
    await page.locator('tbody th a').first().click();
    await page.getByRole('heading', { name: 'Recipients That Wait' }).waitFor();
    await view.settled();
    expect(await view.overflow()).toBeLessThanOrEqual(0);
    expect(view.complaints).toEqual([]);
  });
});

/** Says these lines to a server, one after each of its replies. */
async function speak(port: number, lines: readonly string[]): Promise<void> {
  const socket = connect(port, '127.0.0.1');
  let next = 0;
  socket.setEncoding('utf8').on('data', (text: string) => {
    if (/^\d{3}-/m.test(text) && !/^\d{3} /m.test(text)) return;
    const line = lines[next++];
    if (line !== undefined) socket.write(`${line}\r\n`);
    else if (!socket.writableEnded) socket.end('QUIT\r\n');
  });
  await new Promise((resolve) => socket.once('close', resolve));
}
