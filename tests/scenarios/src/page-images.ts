/**
 * `node tests/scenarios/src/page-images.ts [NAME…]`: draws docs/images anew, each page of a gateway with some mail in it, in
 * both languages and both colour schemes; with names only these pages of the menu, without waiting for a plot.
 */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Browser } from 'playwright-core';
import type { Gateway } from './gateway.ts';
import { makeAdministrator, PageSession, startBrowser } from './page-session.ts';
import { freePort, message, Scenario, untilStatus } from './scenario.ts';

const FOLDER = join(import.meta.dirname, '../../../docs/images');

const PAGES: Readonly<Record<string, string>> = {
  overview: 'monitor/overview',
  queue: 'monitor/queue',
  tracking: 'monitor/tracking',
  routes: 'network/smtp-routes',
  'route-add': 'network/smtp-routes/add',
  'route-edit': 'network/smtp-routes/edit/shop.example.com',
  'bounce-profiles': 'network/bounce-profiles',
  hat: 'mail-policies/hat',
  'hat-edit': 'mail-policies/hat/edit/SUSPECTLIST',
  'flow-policies': 'mail-policies/flow-policies',
  'flow-policy-edit': 'mail-policies/flow-policies/edit/%24SLOW',
  rat: 'mail-policies/rat',
  'rat-add': 'mail-policies/rat/add',
  'destination-controls': 'mail-policies/destination-controls',
  'destination-control-edit': 'mail-policies/destination-controls/edit/shop.example.com',
  import: 'network/smtp-routes/import',
  export: 'network/smtp-routes/export',
  commit: 'system/commit',
  changes: 'system/changes',
  change: 'system/changes/4',
  setup: 'system/setup',
  password: 'system/password',
};

/** The sections of the configuration besides the routes. */
const SECTIONS = {
  rat: [
    { recipient: 'abuse@', bypassReceivingControl: true },
    { recipient: 'former@example.com', action: 'REJECT', reply: { code: 551, text: 'has moved to other.example' } },
    'example.com',
    'shop.example.com',
    'news.example.com',
    'partner.example',
    '.branch.example.com',
  ],
  bounceProfiles: {
    quick: { maxRetries: 10, maxAgeSeconds: 3600, initialWaitSeconds: 30, maxWaitSeconds: 300, notices: true },
    patient: { maxAgeSeconds: 604800, maxWaitSeconds: 14400, delayWarnings: 1 },
  },
  destinationControls: {
    DEFAULT: { maxConnections: 50, maxMessagesPerConnection: 50, tls: 'preferred' },
    'shop.example.com': { maxConnections: 2, maxRecipients: 500, windowMinutes: 60, bounceProfile: 'quick' },
    '.branch.example.com': { tls: 'requiredVerify', dane: 'opportunistic' },
    'partner.example': { maxMessagesPerConnection: 10, ipPreference: 'preferV4', bounceProfile: 'patient' },
  },
  mailFlowPolicies: [
    {
      ...{ name: 'SLOW', action: 'ACCEPT' },
      parameters: { max_msgs_per_session: 10, max_message_size: '1M', max_rcpts_per_hour: 100, spam_check: 'on' },
    },
  ],
  hat: [
    {
      group: 'RELAYLIST',
      sources: ['127.0.0.0/8', { source: '10.1.0.0/16', comment: 'the office' }],
      policy: '$RELAYED',
    },
    { group: 'WHITELIST', sources: ['mx.partner.example'], policy: '$TRUSTED', comment: 'by contract' },
    { group: 'SUSPECTLIST', sources: ['198.51.100.0/24', '203.0.113.10-20', '.dialup.example'], policy: '$SLOW' },
    { source: '.spamdomain.example', action: 'REJECT' },
    { source: 'ALL', policy: '$ACCEPTED' },
  ],
} as const;

/** Drawn as far as a window shows. */
const LONG: ReadonlySet<string> = new Set(['tracking', 'message']);

await using scenario = await Scenario.begin();
const browser = await startBrowser();
scenario.onEnd(() => browser.close());
await mkdir(FOLDER, { recursive: true });
const wanted = new Set(process.argv.slice(2));
const isWanted = (name: string): boolean => wanted.size === 0 || wanted.has(name);
const gateway = await livedIn(scenario);
const looks = (['en', 'ja'] as const).flatMap((language) =>
  (['light', 'dark'] as const).map((scheme) => ({ language, scheme })),
);
if (wanted.size === 0) for (const look of looks) await drawFirst(look);
await makeAdministrator(gateway);
await submitSomething(browser, gateway);
for (const look of looks) await drawAll(look);

/** A gateway with domains, a history, mail delivered, deferred, and of unknown outcome. */
async function livedIn(scenario: Scenario): Promise<Gateway> {
  const good = await scenario.sink();
  const busy = await scenario.sink({
    onStep: ({ step }) => (step === 'rcpt' ? { reply: '451 4.7.500 Server busy. Please try again later' } : undefined),
  });
  const lossy = await scenario.sink({ onStep: ({ step }) => (step === 'dot' ? { end: 'reset' } : undefined) });
  const gateway = await scenario.gateway(
    [
      ['example.com', good.port],
      ['shop.example.com', busy.port],
      ['news.example.com', lossy.port],
      ['partner.example', await freePort()],
    ].flatMap(([domain, port]) => ['--accept', `${domain}=127.0.0.1:${port}`]),
  );
  for (const words of [
    ['new', '.branch.example.com', 'mx1.branch.example.net:2525', 'mx2.branch.example.net/pri=10'],
    ['new', 'press.example.com', 'USEDNS'],
    ['new', '[192.0.2.25]', 'mail.example.net'],
    ['new', 'retired.example.com', '/dev/null'],
    ['edit', 'ALL', 'relay.example.net:2525'],
    ['edit', 'press.example.com', 'mail.press.example.net'],
  ])
    await gateway.command('smtproutes', ...words);
  const file = join(scenario.folder, 'sections.json');
  await writeFile(file, JSON.stringify(SECTIONS));
  await gateway.json('apply', '-f', file, 'yes', '--reason', 'who may send, and how fast');
  const client = scenario.client(gateway);
  for (let n = 0; n < 12; n++) await client.sendMail(message([`user${n}@example.com`], `News ${n}`));
  for (const domain of ['shop.example.com', 'news.example.com', 'partner.example'])
    await client.sendMail(message([`hanako@${domain}`, `taro@${domain}`], 'An order'));
  await untilStatus(
    gateway,
    ({ waiting, outcomeUnknown, delivered }) => waiting === 6 && outcomeUnknown === 2 && delivered === 12,
  );
  // The plot has a point a minute: mail comes in for some minutes.
  for (let second = 0; second < (wanted.size === 0 ? 200 : 0); second++) {
    await new Promise((resolve) => setTimeout(resolve, 1000));
    const many = Math.round(4 + 3 * Math.sin(second / 25));
    for (let n = 0; n < many; n++) await client.sendMail(message([`user${n}@example.com`], `News of ${second}`));
  }
  return gateway;
}

async function submitSomething(browser: Browser, gateway: Gateway): Promise<void> {
  const view = await PageSession.signedIn(browser, scenario, gateway);
  await view.go('network/smtp-routes/add');
  await view.page.getByLabel('Receiving Domain').fill('tokyo.example.com');
  await view.page.getByLabel('Destination host', { exact: true }).fill('mx.tokyo.example.net');
  await view.button('Submit').click();
  await view.page.getByText(/^Submitted\./).waitFor();
  await view.go('network/smtp-routes/edit/partner.example');
  await view.page.getByLabel('Destination host', { exact: true }).fill('mail.partner.example');
  await view.button('Submit').click();
  await view.page.getByText(/^Submitted\./).waitFor();
  await view.page.getByLabel('Select retired.example.com').check();
  await view.button('Delete').click();
  await view.page.getByRole('dialog').getByRole('button', { name: 'Delete' }).click();
  await view.page.getByText('deleted', { exact: true }).waitFor();
  await view.go('mail-policies/rat/add');
  await view.page.getByLabel('Recipient Address').fill('tokyo.example.com');
  await view.button('Submit').click();
  await view.row('tokyo.example.com').waitFor();
  await view.close();
}

type Look = (typeof looks)[number];

async function draw(view: PageSession, name: string, { language, scheme }: Look): Promise<void> {
  await view.page.mouse.move(0, 0);
  await view.page.screenshot({
    path: join(FOLDER, `${name}-${language}-${scheme}.png`),
    fullPage: !LONG.has(name),
  });
}

/** The pages before there is an administrator. */
async function drawFirst(look: Look): Promise<void> {
  const view = await PageSession.open(browser, scenario, gateway, look);
  await view.page.locator('#code').waitFor();
  await draw(view, 'first-administrator', look);
  await view.close();
}

async function drawAll(look: Look): Promise<void> {
  const view = await PageSession.open(browser, scenario, gateway, look);
  const { page } = view;
  await page.locator('#sign-in-password').waitFor();
  if (wanted.size === 0) await draw(view, 'sign-in', look);
  await view.signIn('admin');
  await page.locator('.menu .pending').waitFor();
  for (const [name, path] of Object.entries(PAGES)) {
    if (!isWanted(name)) continue;
    await view.go(path);
    await prepare(view, name);
    await draw(view, name, look);
  }
  if (wanted.size > 0) return view.close();
  await view.go('monitor/queue');
  await page.locator('tbody th a').first().click();
  await page.locator('#recipients').waitFor();
  await page.locator('section[aria-labelledby=recipients] tbody').waitFor();
  await draw(view, 'destination', look);
  await page.locator('.actions button').first().click();
  await page.locator('dialog').waitFor();
  await page.locator('#reason').fill('The host is back');
  await draw(view, 'retry', look);
  await page.keyboard.press('Escape');
  await view.go('monitor/tracking?search=hanako%40news.example.com&by=recipient');
  await page.locator('tbody th a').first().click();
  await page.locator('.timeline li').first().waitFor();
  await draw(view, 'message', look);
  await view.close();
}

/** Types into a page what shows best what it does. */
async function prepare(view: PageSession, name: string): Promise<void> {
  const { page } = view;
  if (name === 'routes') {
    await page.locator('#recipient').fill('order@osaka.branch.example.com');
    await page.locator('.explain button').click();
    await page.locator('.explained').waitFor();
  } else if (name === 'route-add') {
    await page.locator('#receiving-domain').fill('example.net');
    await page.locator('[id^=host-]').first().fill('mail.example.net');
    await page.locator('[id^=port-]').first().fill('99999');
    await page.locator('.faults p').waitFor();
    await page.locator('.covers p').first().waitFor();
  } else if (name === 'hat') {
    await page.locator('#address').fill('203.0.113.12');
    await page.locator('.explain button').click();
    await page.locator('.explained').waitFor();
  } else if (name === 'rat-add') {
    await page.locator('#recipient').fill('*.example.org');
    await page.locator('.faults p').first().waitFor();
  } else if (name === 'destination-control-edit') {
    await page.locator('#windowMinutes').fill('90');
    await page.locator('.faults p').first().waitFor();
  } else if (name === 'route-edit') {
    await page.locator('.covers p').first().waitFor();
  } else if (name === 'import') {
    const file = join(scenario.folder, 'partners.txt');
    await writeFile(
      file,
      'example.com mail.example.com\n*.partner.example mail.partner.example\nx.example mail.example:0\n',
    );
    await page.locator('#file').setInputFiles(file);
    await page.locator('form button[type=submit]').click();
    await page.locator('tbody tr').first().waitFor();
  } else if (name === 'setup') {
    await page.locator('[id^=domain-]').first().fill('example.jp');
    await page.locator('[id^=hosts-]').first().fill('mail.example.jp:25');
  } else if (name === 'commit') {
    await page.locator('section[aria-labelledby=past] button').click();
    await page.locator('section[aria-labelledby=past] table').waitFor();
    await page.locator('#comment').fill('Tokyo has a mail host of its own (4711)');
  } else if (name === 'overview') await page.locator('.ledger').waitFor();
}
