/** What the page shows of workers of other processes, and when they do not answer. */
import { describeWith } from '@mailyard/testkit/services/require-service';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { Deployment, type Neighbours, startNeighbours } from './distributed.ts';
import { PageSession, startBrowser } from './page-session.ts';
import { freePort, message, Scenario, untilStatus } from './scenario.ts';

const MESSAGES = 24;

await describeWith(['chromium', 'kafka', 'redis', 's3'], 'the page of several workers', () => {
  let neighbours: Neighbours;
  let browser: Browser;
  beforeAll(async () => {
    [neighbours, browser] = await Promise.all([startNeighbours(1), startBrowser()]);
  });
  afterAll(() => Promise.all([neighbours?.stop(), browser?.close()]));

  it('says on the commit page who has not answered, and that the figures are the least it can be (R205)', async () => {
    await using scenario = await Scenario.begin();
    const deployment = await Deployment.begin(scenario, neighbours);
    const accept = ['--accept', `a.example=127.0.0.1:${await freePort()}`];
    const front = await deployment.start('ingress,routing,admin', accept);
    const workers = [await deployment.worker(front), await deployment.worker(front)];
    const client = scenario.client(front);
    for (let i = 0; i < MESSAGES; i++) await client.sendMail(message([`u${i}@a.example`]));
    await untilStatus(front, ({ waiting }) => waiting === MESSAGES);
    const view = await PageSession.signedIn(browser, scenario, front);
    const { page } = view;
    await view.go('network/smtp-routes/edit/a.example');
    await page.getByLabel('Destination host', { exact: true }).fill('192.0.2.1');
    await view.button('Submit').click();
    await page.locator('.menu .commit a').click();
    const effect = page.getByRole('region', { name: /Mail That Waits/ });
    await effect.getByText(`${MESSAGES} of ${MESSAGES} recipients that wait will go to other hosts`).waitFor();
    await effect.getByText(/^Counted at/).waitFor();
    const silence = effect.getByText(/^1 worker has not answered, so these figures are the least it can be: \S+$/);
    expect(await silence.count()).toBe(0);
    workers[1]!.signal('SIGSTOP');
    await silence.waitFor();
    await effect.getByText(/recipients? that waits? /).waitFor();
    expect(await view.axe()).toEqual([]);
    workers[1]!.signal('SIGCONT');
    await silence.waitFor({ state: 'detached' });
    await effect.getByText(`${MESSAGES} of ${MESSAGES} recipients that wait will go to other hosts`).waitFor();
    expect(view.complaints).toEqual([]);
  });
});
