/** AsyncOS' procedures of [Mail Policies] and [Network] > [Bounce Profiles] in a real browser, then their effect on mail really sent. */
import { describeWith } from '@mailyard/testkit/services/require-service';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import type { Gateway } from './gateway.ts';
import { PageSession, startBrowser } from './page-session.ts';
import { message, Scenario, untilStatus } from './scenario.ts';
import { waitFor } from './wait-for.ts';

/** Many pages a test, on a machine that may be busy. */
vi.setConfig({ testTimeout: 180_000 });

async function submit(view: PageSession): Promise<void> {
  await view.button('Submit').click();
  // What was said of the edit before may still stand there.
  await view.page.locator('form.box').waitFor({ state: 'detached' });
  await view.page.getByText(/^Submitted\./).waitFor();
  await view.settled();
}

async function deleteRow(view: PageSession, name: string): Promise<void> {
  await view.page.getByLabel(`Select ${name}`, { exact: true }).check();
  await view.button('Delete').click();
  await view.page.getByRole('dialog').getByRole('button', { name: 'Delete' }).click();
  await view.row(name).getByText('deleted', { exact: true }).waitFor();
}

/** What RCPT is answered with; 'taken' where it is accepted. */
async function answerTo(scenario: Scenario, gateway: Gateway, recipient: string): Promise<string> {
  try {
    await scenario.client(gateway).sendMail(message([recipient]));
    return 'taken';
  } catch (error) {
    return (error as Error).message;
  }
}

/** Waits until a recipient is answered so: a commit is followed within a moment. */
async function untilAnswer(scenario: Scenario, gateway: Gateway, recipient: string, wanted: RegExp): Promise<void> {
  let last = '';
  await waitFor(
    async () => {
      last = await answerTo(scenario, gateway, recipient);
      return wanted.test(last);
    },
    30_000,
    () => last,
  );
}

await describeWith(['chromium'], 'the page, Mail Policies', () => {
  let browser: Browser;
  beforeAll(async () => {
    browser = await startBrowser();
  });
  afterAll(() => browser.close());

  it('Recipient Access Table: Add Recipient, faults beside the field, Submit, Commit Changes: mail is taken (R131, R132)', async () => {
    await using scenario = await Scenario.begin();
    const sink = await scenario.sink();
    const gateway = await scenario.gateway(['--accept', `example.com=127.0.0.1:${sink.port}`]);
    const view = await PageSession.signedIn(browser, scenario, gateway);
    const { page } = view;
    await view.link('Mail Policies').click();
    await view.link('Recipient Access Table (RAT)').click();
    await view.link('Add Recipient…').click();
    await page.getByLabel('Recipient Address').fill('a..b');
    await page.locator('#recipient[aria-invalid=true]').waitFor();
    await page.getByLabel('Recipient Address').fill('.branch.example');
    await page.locator('#recipient:not([aria-invalid])').waitFor();
    await submit(view);
    expect(await view.row('.branch.example').innerText()).toContain('new');
    expect(await answerTo(scenario, gateway, 'u@x.branch.example')).toMatch(/550/);
    await view.commitChanges('the branches');
    await untilAnswer(scenario, gateway, 'u@x.branch.example', /^taken$/);
    expect(await answerTo(scenario, gateway, 'u@branch.example')).toMatch(/550/);
    expect(view.complaints).toEqual([]);
  });

  it('Recipient Access Table: Edit Recipient and All Other Recipients: a custom answer refuses (R134)', async () => {
    await using scenario = await Scenario.begin();
    const sink = await scenario.sink();
    const gateway = await scenario.gateway(['--accept', `example.com=127.0.0.1:${sink.port}`]);
    const view = await PageSession.signedIn(browser, scenario, gateway);
    const { page } = view;
    await view.go('mail-policies/rat');
    expect(await view.row('All Other Recipients').getByRole('checkbox').count()).toBe(0);
    await view.link('example.com').click();
    await page.getByLabel('Action').selectOption('Reject');
    await page.getByLabel('Custom SMTP response').check();
    await page.getByLabel('Response code').fill('250');
    await page.getByLabel('Response text').fill('has moved to other.example');
    await page.locator('#text[aria-invalid=true]').waitFor();
    await page.getByLabel('Response code').fill('551');
    await submit(view);
    await view.link('All Other Recipients').click();
    await page.getByLabel('Custom SMTP response').check();
    await page.getByLabel('Response code').fill('450');
    await page.getByLabel('Response text').fill('ask again tomorrow');
    await submit(view);
    await view.commitChanges('moved');
    await untilAnswer(scenario, gateway, 'u@example.com', /551.*has moved to other\.example/);
    expect(await answerTo(scenario, gateway, 'u@elsewhere.example')).toMatch(/450.*ask again tomorrow/);
    expect(view.complaints).toEqual([]);
  });

  it('Recipient Access Table: Order: the first row that names a recipient decides, moved with the keyboard (R133)', async () => {
    await using scenario = await Scenario.begin();
    const sink = await scenario.sink();
    const gateway = await scenario.gateway(['--accept', `example.com=127.0.0.1:${sink.port}`]);
    const view = await PageSession.signedIn(browser, scenario, gateway);
    const { page } = view;
    await view.go('mail-policies/rat/add');
    await page.getByLabel('Recipient Address').fill('lists@');
    await page.getByLabel('Action').selectOption('Reject');
    await submit(view);
    await view.commitChanges('no lists');
    await untilAnswer(scenario, gateway, 'lists@example.com', /^taken$/);
    await view.go('mail-policies/rat');
    await page.getByRole('button', { name: 'Move lists@ up' }).focus();
    await page.keyboard.press('Enter');
    await view.row('lists@').getByText('moved', { exact: true }).waitFor();
    expect(await page.evaluate('document.activeElement.getAttribute("aria-label")')).toBe('Move lists@ up');
    expect(await page.locator('tbody th').allInnerTexts()).toEqual([
      'lists@ moved',
      'example.com',
      'All Other Recipients',
    ]);
    await view.commitChanges('lists first');
    await untilAnswer(scenario, gateway, 'lists@example.com', /550/);
    expect(await answerTo(scenario, gateway, 'u@example.com')).toBe('taken');
    await view.go('mail-policies/rat');
    await view.link('lists@').click();
    await page.getByLabel('Order').fill('2');
    await submit(view);
    await view.commitChanges('lists last');
    await untilAnswer(scenario, gateway, 'lists@example.com', /^taken$/);
    expect(view.complaints).toEqual([]);
  });

  it('Recipient Access Table: Delete: the check box of a row; mail is refused (R131)', async () => {
    await using scenario = await Scenario.begin();
    const sink = await scenario.sink();
    const words = ['example.com', 'other.example'].flatMap((domain) => [
      '--accept',
      `${domain}=127.0.0.1:${sink.port}`,
    ]);
    const gateway = await scenario.gateway(words);
    const view = await PageSession.signedIn(browser, scenario, gateway);
    await view.go('mail-policies/rat');
    await deleteRow(view, 'other.example');
    await view.commitChanges('no longer ours');
    await untilAnswer(scenario, gateway, 'u@other.example', /550/);
    expect(await answerTo(scenario, gateway, 'u@example.com')).toBe('taken');
    expect(view.complaints).toEqual([]);
  });

  it('Destination Controls and Bounce Profiles: Add: a limit is in force, what is inherited shows as such (R140, R70)', async () => {
    await using scenario = await Scenario.begin();
    const limited = await scenario.sink();
    const gateway = await scenario.gateway(['--accept', `example.com=127.0.0.1:${limited.port}`]);
    const view = await PageSession.signedIn(browser, scenario, gateway);
    const { page } = view;
    await view.go('network/bounce-profiles');
    await view.link('Add Bounce Profile…').click();
    await page.getByLabel('Profile Name').fill('quick');
    await page.getByLabel('Initial Seconds between Retries').fill('60');
    await page.getByLabel('Maximum Seconds between Retries').fill('30');
    await page.locator('#maxWaitSeconds[aria-invalid=true]').waitFor();
    await page.getByLabel('Maximum Seconds between Retries').fill('90');
    await page.getByLabel('Maximum Retries').fill('many');
    await page.getByText('A whole number, at most 999,999,999.').waitFor();
    await page.getByLabel('Maximum Retries').fill('3');
    await submit(view);
    await view.go('mail-policies/destination-controls');
    await view.link('Default').click();
    await page.getByLabel('Concurrent Connections').fill('7');
    await submit(view);
    await view.link('Add Destination…').click();
    await page.getByLabel('Destination').fill('example.com');
    await page.getByLabel('Recipients in a Window').fill('2');
    await page.getByLabel('Bounce Profile').selectOption('quick');
    await submit(view);
    const row = view.row('example.com');
    await row.getByText('Default (7)').waitFor();
    await row.getByText('quick', { exact: true }).waitFor();
    await view.commitChanges('slowly');
    await waitFor(async () =>
      (await gateway.command('smtproutes', 'test', 'u@example.com')).stdout.includes('example.com'),
    );
    await scenario.client(gateway).sendMail(message(['a', 'b', 'c', 'd'].map((name) => `${name}@example.com`)));
    await untilStatus(gateway, ({ delivered, waiting }) => delivered === 2 && waiting === 2);
    expect(limited.recipients).toBe(2);
    expect(view.complaints).toEqual([]);
  });

  it('Destination Controls: Edit and Delete: the limit is lifted, mail that waits goes out (R140)', async () => {
    await using scenario = await Scenario.begin();
    const sink = await scenario.sink();
    const gateway = await scenario.gateway(['--accept', `example.com=127.0.0.1:${sink.port}`]);
    const view = await PageSession.signedIn(browser, scenario, gateway);
    const { page } = view;
    await view.go('mail-policies/destination-controls/add');
    await page.getByLabel('Destination').fill('example.com');
    await page.getByLabel('TLS Support').selectOption('Required');
    await submit(view);
    await view.commitChanges('TLS');
    await waitFor(async () => /required/.test((await gateway.command('smtproutes', 'test', 'u@example.com')).stdout));
    await scenario.client(gateway).sendMail(message(['u@example.com']));
    await untilStatus(gateway, ({ waiting }) => waiting === 1);
    await view.go('mail-policies/destination-controls');
    await view.link('example.com').click();
    await page.getByLabel('Window (Minutes)').fill('61');
    await page.locator('#windowMinutes[aria-invalid=true]').waitFor();
    await page.getByLabel('Window (Minutes)').fill('');
    await page.getByLabel('Messages per Connection').fill('5');
    await submit(view);
    await deleteRow(view, 'example.com');
    await view.commitChanges('no TLS there');
    await sink.until(({ accepted }) => accepted === 1);
    expect(view.complaints).toEqual([]);
  });

  it('Bounce Profiles: Edit, then Delete: one that a destination names is kept and told, then goes (R70)', async () => {
    await using scenario = await Scenario.begin();
    const gateway = await scenario.gateway();
    const view = await PageSession.signedIn(browser, scenario, gateway);
    const { page } = view;
    await view.go('network/bounce-profiles/add');
    await page.getByLabel('Profile Name').fill('quick');
    await submit(view);
    await view.go('mail-policies/destination-controls/add');
    await page.getByLabel('Destination').fill('example.com');
    await page.getByLabel('Bounce Profile').selectOption('quick');
    await submit(view);
    await view.commitChanges('quick');
    await view.go('network/bounce-profiles');
    await view.link('quick').click();
    await page.getByLabel('Maximum Retries').fill('9');
    await submit(view);
    await page.getByLabel('Select quick').check();
    await view.button('Delete').click();
    await page.getByRole('dialog').getByRole('button', { name: 'Delete' }).click();
    await page.getByText(/is no bounce profile; example\.com names it/).waitFor();
    await view.go('mail-policies/destination-controls');
    await deleteRow(view, 'example.com');
    await view.go('network/bounce-profiles');
    await deleteRow(view, 'quick');
    await view.commitChanges('gone');
    await view.go('network/bounce-profiles');
    await page.getByText('There are no rows yet.').waitFor();
    expect(view.complaints).toEqual([]);
  });

  it('HAT Overview: Add Sender Group: a client relays; the test tells its row (R120 to R124)', async () => {
    await using scenario = await Scenario.begin();
    const sink = await scenario.sink();
    const gateway = await scenario.gateway(['--accept', `example.com=127.0.0.1:${sink.port}`]);
    await gateway.command('smtproutes', 'edit', 'ALL', `127.0.0.1:${sink.port}`);
    const view = await PageSession.signedIn(browser, scenario, gateway);
    const { page } = view;
    expect(await answerTo(scenario, gateway, 'u@elsewhere.example')).toMatch(/550/);
    await view.go('mail-policies/hat');
    await page.getByText(/^There are no rows yet: every client may connect/).waitFor();
    await view.link('Add Sender Group…').click();
    await page.getByLabel('Sender Group', { exact: true }).fill('RELAYLIST');
    await page.getByLabel('Senders').fill('127.0.0.0/8 (this machine)\n300.1.2.3');
    await page.locator('#sources[aria-invalid=true]').waitFor();
    await page.getByText(/“300\.1\.2\.3”/).waitFor();
    await page.getByLabel('Senders').fill('127.0.0.0/8 (this machine)\n10.1.0.0/16');
    await page.getByLabel('Mail Flow Policy').selectOption('$RELAYED');
    await submit(view);
    await page.getByLabel('IP address of the client').fill('10.1.2.3');
    await view.button('Find Row').click();
    await page.locator('.explained').getByText('Relay', { exact: true }).waitFor();
    await page.locator('.explained').getByText('10.1.0.0/16').waitFor();
    await view.commitChanges('we relay for ourselves');
    await untilAnswer(scenario, gateway, 'u@elsewhere.example', /^taken$/);
    await sink.until(({ accepted }) => accepted >= 1);
    expect(view.complaints).toEqual([]);
  });

  it('HAT Overview: Order and Delete: the first row that names a client decides (R120)', async () => {
    await using scenario = await Scenario.begin();
    const sink = await scenario.sink();
    const gateway = await scenario.gateway(['--accept', `example.com=127.0.0.1:${sink.port}`]);
    const view = await PageSession.signedIn(browser, scenario, gateway);
    const { page } = view;
    for (const [group, policy] of [
      ['MINE', '$ACCEPTED'],
      ['BLOCKLIST', '$BLOCKED'],
    ] as const) {
      await view.go('mail-policies/hat/add');
      await page.getByLabel('Sender Group', { exact: true }).fill(group);
      await page.getByLabel('Senders').fill('127.0.0.1');
      await page.getByLabel('Mail Flow Policy').selectOption(policy);
      await submit(view);
    }
    await view.commitChanges('two groups');
    await untilAnswer(scenario, gateway, 'u@example.com', /^taken$/);
    await view.go('mail-policies/hat');
    await page.getByRole('button', { name: 'Move MINE down' }).click();
    await view.row('MINE').getByText('moved', { exact: true }).waitFor();
    await view.commitChanges('blocked first');
    await untilAnswer(scenario, gateway, 'u@example.com', /554/);
    await view.go('mail-policies/hat');
    await deleteRow(view, 'BLOCKLIST');
    await view.commitChanges('not blocked');
    await untilAnswer(scenario, gateway, 'u@example.com', /^taken$/);
    expect(view.complaints).toEqual([]);
  });

  it('Mail Flow Policies: Add, Edit, Delete: the limit of an hour is in force (R126 to R128)', async () => {
    await using scenario = await Scenario.begin();
    const sink = await scenario.sink();
    const gateway = await scenario.gateway(['--accept', `example.com=127.0.0.1:${sink.port}`]);
    const view = await PageSession.signedIn(browser, scenario, gateway);
    const { page } = view;
    await view.go('mail-policies/flow-policies');
    await view.row('$TRUSTED').waitFor();
    expect(await page.getByRole('checkbox', { name: /Select \$/ }).count()).toBe(0);
    await view.link('Add Policy…').click();
    await page.getByLabel('Policy Name').fill('SLOW');
    await page.getByLabel('Max. Recipients per Hour').fill('often');
    await page.locator('#parameters-max_rcpts_per_hour[aria-invalid=true]').waitFor();
    await page.getByLabel('Max. Recipients per Hour').fill('1');
    await page.getByLabel('Text When Exceeded').fill('Slow down, please');
    await submit(view);
    await view.go('mail-policies/hat/add');
    await page.getByLabel('Sender Group', { exact: true }).fill('SUSPECTLIST');
    await page.getByLabel('Senders').fill('127.0.0.0/8');
    await page.getByLabel('Mail Flow Policy').selectOption('$SLOW');
    await submit(view);
    await view.commitChanges('slow');
    await untilAnswer(scenario, gateway, 'u@example.com', /452.*Slow down, please/);
    await view.go('mail-policies/flow-policies');
    await view.link('$SLOW').click();
    await page.getByLabel('Max. Recipients per Hour').fill('-1');
    await submit(view);
    await view.commitChanges('not that slow');
    await untilAnswer(scenario, gateway, 'u@example.com', /^taken$/);
    await view.go('mail-policies/flow-policies');
    await page.getByLabel('Select $SLOW').check();
    await view.button('Delete').click();
    await page.getByRole('dialog').getByRole('button', { name: 'Delete' }).click();
    await page.getByText(/is no mail flow policy; SUSPECTLIST names it/).waitFor();
    await view.go('mail-policies/hat');
    await deleteRow(view, 'SUSPECTLIST');
    await view.go('mail-policies/flow-policies');
    await deleteRow(view, '$SLOW');
    await view.commitChanges('as before');
    await untilAnswer(scenario, gateway, 'u@example.com', /^taken$/);
    expect(view.complaints).toEqual([]);
  });
});
