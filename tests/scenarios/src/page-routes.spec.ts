/** The AsyncOS procedures on [Network] > [SMTP Routes] (R200 to R206) in a real browser, then their effect on a message really sent. */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { findProgram } from '@mailyard/testkit/services/command';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { inBothModes } from './modes.ts';
import { PageSession, startBrowser } from './page-session.ts';
import { freePort, message, untilStatus } from './scenario.ts';

let browser: Browser;
beforeAll(async () => {
  if (findProgram('chromium') !== undefined) browser = await startBrowser();
});
afterAll(() => browser?.close());

await inBothModes(
  'the page, SMTP Routes',
  (begin) => {
    it('Add Route: several hosts, port and priority; Submit stages, Commit Changes sends mail there (R202, R203)', async () => {
      await using scenario = await begin();
      const [before, after] = [await scenario.sink(), await scenario.sink()];
      const gateway = await scenario.gateway(['--accept', `.example.com=127.0.0.1:${before.port}`]);
      const view = await PageSession.signedIn(browser, scenario, gateway);
      const { page } = view;
      await view.link('Network').click();
      await view.link('Add Route…').click();
      await page.getByLabel('Receiving Domain').fill('host1.example.com');
      await page.getByText('Recipients at host1.example.com and at every domain below it.').waitFor();
      const first = page.getByRole('group', { name: 'Destination 1', exact: true });
      await first.getByLabel('Destination host').fill('127.0.0.1');
      await first.getByLabel('Port').fill('99999');
      await first.locator('[id^=port-][aria-invalid=true]').waitFor();
      await first.getByLabel('Port').fill(String(after.port));
      await view.button('Add Row').click();
      const second = page.getByRole('group', { name: 'Destination 2', exact: true });
      await second.getByLabel('Destination host').fill(`127.0.0.1:${await freePort()}`);
      await second.getByLabel('Priority').fill('10');
      await view.button('Submit').click();
      await page.getByText(/^Submitted\. 1 change is pending/).waitFor();
      expect(await view.row('host1.example.com').innerText()).toContain('new');

      const client = scenario.client(gateway);
      await client.sendMail(message(['u@host1.example.com'], 'staged only'));
      await before.until(({ accepted }) => accepted === 1);

      await view.commitChanges('host1 has a server of its own');
      await client.sendMail(message(['u@host1.example.com'], 'committed'));
      await after.until(({ accepted }) => accepted === 1);
      expect(before.accepted).toBe(1);
      const { routes } = await gateway.json<{ routes: { receivingDomain: string; destinations: string[] }[] }>(
        'smtproutes',
        'print',
      );
      const [added] = routes.filter(({ receivingDomain }) => receivingDomain === 'host1.example.com');
      expect(added?.destinations).toHaveLength(2);
      expect(added?.destinations[1]).toMatch(/\/pri=10$/);
      expect(view.complaints).toEqual([]);
    });

    it('Edit: the receiving domain opens its entry; mail that waits moves to the new host (R200, R30)', async () => {
      await using scenario = await begin();
      const gateway = await scenario.gateway(['--accept', `example.com=127.0.0.1:${await freePort()}`]);
      await scenario.client(gateway).sendMail(message(['u@example.com']));
      await untilStatus(gateway, ({ waiting }) => waiting === 1);
      const sink = await scenario.sink();
      const view = await PageSession.signedIn(browser, scenario, gateway);
      await view.go('network/smtp-routes');
      await view.link('example.com').click();
      await view.page.getByLabel('Port').fill(String(sink.port));
      await view.button('Submit').click();
      await view.page.locator('.menu .commit a').click();
      await view.page.getByText('1 of 1 recipient that waits will go to other hosts').waitFor({ timeout: 40_000 });
      await view.button('Look at the Last 24 Hours').click();
      const past = view.page.getByRole('region', { name: 'Effect on Past Mail' });
      await past.getByText('1 of 1 recipient would have gone elsewhere.').waitFor();
      expect(await past.getByRole('row').nth(1).innerText()).toMatch(
        new RegExp(`^example\\.com\\s+127\\.0\\.0\\.1:\\d+\\s+127\\.0\\.0\\.1:${sink.port}\\s+example\\.com\\s+1$`),
      );
      expect(await view.axe()).toEqual([]);
      await view.commitChanges('the server moved');
      await sink.until(({ accepted }) => accepted === 1);
      expect(view.complaints).toEqual([]);
    });

    it('Edit All Other Domains: a default route takes what no entry claims (R4, R36, R202)', async () => {
      await using scenario = await begin();
      const [special, rest] = [await scenario.sink(), await scenario.sink()];
      const gateway = await scenario.gateway([
        '--accept',
        `example.com=127.0.0.1:${special.port}`,
        '--accept',
        `other.example=127.0.0.1:${special.port}`,
      ]);
      const view = await PageSession.signedIn(browser, scenario, gateway);
      await view.go('network/smtp-routes');
      expect(await view.row('All Other Domains').getByRole('checkbox').count()).toBe(0);
      await view.page.getByLabel('Select other.example').check();
      await view.button('Delete').click();
      await view.page.getByRole('dialog').getByRole('button', { name: 'Delete' }).click();
      await view.page.getByText(/^Submitted\./).waitFor();
      await view.link('All Other Domains').click();
      await view.page.getByLabel('these hosts').check();
      await view.page.getByLabel('Destination host', { exact: true }).fill(`127.0.0.1:${rest.port}`);
      await view.button('Submit').click();
      await view.page.getByText(/^Submitted\./).waitFor();
      await view.commitChanges('a default route');
      await scenario.client(gateway).sendMail(message(['u@other.example']));
      await rest.until(({ accepted }) => accepted === 1);
      expect(special.accepted).toBe(0);
      expect(view.complaints).toEqual([]);
    });

    it('Delete: the check box of a row; mail then goes by the less specific entry (R200)', async () => {
      await using scenario = await begin();
      const [wide, narrow] = [await scenario.sink(), await scenario.sink()];
      const gateway = await scenario.gateway([
        '--accept',
        `example.com=127.0.0.1:${wide.port}`,
        '--accept',
        `host1.example.com=127.0.0.1:${narrow.port}`,
      ]);
      const view = await PageSession.signedIn(browser, scenario, gateway);
      await view.go('network/smtp-routes');
      await view.page.getByLabel('Select host1.example.com').check();
      await view.button('Delete').click();
      await view.page.getByText('1 route will be deleted.', { exact: false }).waitFor();
      await view.page.getByRole('dialog').getByRole('button', { name: 'Delete' }).click();
      await view.row('host1.example.com').getByText('deleted').waitFor();
      await view.commitChanges('no server of its own any more');
      await scenario.client(gateway).sendMail(message(['u@host1.example.com']));
      await wide.until(({ accepted }) => accepted === 1);
      expect(narrow.accepted).toBe(0);
      expect(view.complaints).toEqual([]);
    });

    it('Delete all: All and Delete remove every route and leave the default as it was (R201, A16)', async () => {
      await using scenario = await begin();
      const [routed, fallback] = [await scenario.sink(), await scenario.sink()];
      const gateway = await scenario.gateway([
        '--accept',
        `example.com=127.0.0.1:${routed.port}`,
        '--accept',
        `other.example=127.0.0.1:${routed.port}`,
      ]);
      await gateway.command('smtproutes', 'edit', 'ALL', `127.0.0.1:${fallback.port}`);
      const view = await PageSession.signedIn(browser, scenario, gateway);
      await view.go('network/smtp-routes');
      await view.page.getByLabel('All: select every route of the table').check();
      await view.button('Delete').click();
      await view.page.getByText('All 2 routes of the table will be deleted', { exact: false }).waitFor();
      await view.page.getByRole('dialog').getByRole('button', { name: 'Delete' }).click();
      await view.page.getByText(/^Submitted\./).waitFor();
      await view.commitChanges('begin anew');
      await view.settled();
      expect(await view.page.locator('table.routes tbody tr').count()).toBe(1);
      expect(await view.row('All Other Domains').innerText()).toContain(`127.0.0.1:${fallback.port}`);
      await scenario.client(gateway).sendMail(message(['u@example.com']));
      await fallback.until(({ accepted }) => accepted === 1);
      expect(routed.accepted).toBe(0);
      expect(view.complaints).toEqual([]);
    });

    it('Export, then Import: a file name, the file, the warning with counts, and mail goes by the file (R192, R194, R203, R205)', async () => {
      await using scenario = await begin();
      const [old, renewed] = [await scenario.sink(), await scenario.sink()];
      const gateway = await scenario.gateway([
        '--accept',
        `example.com=127.0.0.1:${old.port}`,
        '--accept',
        `other.example=127.0.0.1:${old.port}`,
      ]);
      const view = await PageSession.signedIn(browser, scenario, gateway);
      const { page } = view;
      await view.go('network/smtp-routes');
      await view.link('Export SMTP Routes…').click();
      await page.getByLabel('File name').fill('../routes.txt');
      await page.getByText('A bare file name', { exact: false }).waitFor();
      await page.getByLabel('File name').fill('routes.txt');
      const [download] = await Promise.all([page.waitForEvent('download'), view.button('Submit').click()]);
      expect(download.suggestedFilename()).toBe('routes.txt');
      const file = join(scenario.folder, 'routes.txt');
      await download.saveAs(file);
      const text = await readFile(file, 'utf8');
      expect(text).toMatch(/^# SMTP routes, exported by Mailyard/);

      const changed = text
        .replace(`example.com 127.0.0.1:${old.port}`, `example.com 127.0.0.1:${renewed.port}`)
        .replace(/^other\.example .*\n/m, '')
        .replace(/^ALL:/m, 'new.example mail.new.example\nALL:');
      await writeFile(file, changed);
      await view.go('network/smtp-routes/import');
      await page.getByLabel('File', { exact: true }).setInputFiles(file);
      await view.button('Submit').click();
      await page.getByText('All existing routes are replaced by those of the file.').waitFor();
      await page.getByText('1 added, 1 removed, 1 changed', { exact: false }).waitFor();
      await view.button('Import').click();
      await page.getByRole('heading', { name: 'Uncommitted Changes' }).waitFor();
      await view.commitChanges('the list of the partners');
      await scenario.client(gateway).sendMail(message(['u@example.com']));
      await renewed.until(({ accepted }) => accepted === 1);
      expect(old.accepted).toBe(0);
      const print = await gateway.command('smtproutes', 'print');
      expect(print.stdout).toMatch(/^new\.example +mail\.new\.example$/m);
      expect(print.stdout).not.toContain('other.example');
      expect(view.complaints).toEqual([]);
    });

    it('Import: every fault with its line, and nothing is imported (R193)', async () => {
      await using scenario = await begin();
      const sink = await scenario.sink();
      const gateway = await scenario.gateway(['--accept', `example.com=127.0.0.1:${sink.port}`]);
      const file = join(scenario.folder, 'bad.txt');
      await writeFile(
        file,
        '# bad\n*.example.com a.example\ngood.example mail.example\nx.example mail.example:99999\n',
      );
      const view = await PageSession.signedIn(browser, scenario, gateway);
      await view.go('network/smtp-routes/import');
      await view.page.getByLabel('File', { exact: true }).setInputFiles(file);
      await view.button('Submit').click();
      await view.page.getByText('2 faults: nothing of this file is imported.').waitFor();
      const lines = await view.page.locator('tbody tr td:first-child').allInnerTexts();
      expect(lines).toEqual(['2', '4']);
      expect(await view.button('Import').count()).toBe(0);
      await scenario.client(gateway).sendMail(message(['u@example.com']));
      await sink.until(({ accepted }) => accepted === 1);
      expect(view.complaints).toEqual([]);
    });

    it('Abandon: what was submitted is gone and mail goes where it went (R204)', async () => {
      await using scenario = await begin();
      const sink = await scenario.sink();
      const gateway = await scenario.gateway(['--accept', `example.com=127.0.0.1:${sink.port}`]);
      const view = await PageSession.signedIn(browser, scenario, gateway);
      await view.go('network/smtp-routes/edit/example.com');
      await view.page.getByLabel(/dropped/).check();
      await view.button('Submit').click();
      await view.page.getByText(/^Submitted\./).waitFor();
      await view.page.locator('.menu .commit a').click();
      await view.button('Abandon Changes').click();
      await view.page.getByRole('dialog').getByRole('button', { name: 'Abandon Changes' }).click();
      await view.page.getByText('The pending changes are gone.').waitFor();
      await view.link('No Changes Pending').waitFor();
      await scenario.client(gateway).sendMail(message(['u@example.com']));
      await sink.until(({ accepted }) => accepted === 1);
      expect(view.complaints).toEqual([]);
    });
  },
  ['chromium'],
);
