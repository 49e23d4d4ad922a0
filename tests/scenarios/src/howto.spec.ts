/**
 * The pages of docs/howto, done line by line. A fence with a file's name (```yaml mailyard.yaml) is that file; `sh` is run;
 * `sh start` is the gateway that goes on running.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { globSync, readFileSync } from 'node:fs';
import { mkdir, symlink, writeFile } from 'node:fs/promises';
import { basename, delimiter, join } from 'node:path';
import { grpcurl, pythonGrpc } from '@mailyard/testkit/services/installation';
import { describeWith } from '@mailyard/testkit/services/require-service';
import { expect, it } from 'vitest';
import { Gateway } from './gateway.ts';
import { freePort, Scenario } from './scenario.ts';

const root = join(import.meta.dirname, '../../..');
const pages = globSync('docs/howto/routes-by-*.md', { cwd: root })
  .concat(
    'docs/howto/aliases.md',
    'docs/howto/bounce-verification.md',
    'docs/howto/delivery-controls.md',
    'docs/howto/events.md',
    'docs/howto/dkim.md',
    'docs/howto/migrate.md',
    'docs/howto/operate.md',
    'docs/howto/roles-and-tls.md',
    'docs/howto/virtual-gateways.md',
    'docs/howto/who-may-send.md',
    'docs/howto/submission.md',
    'docs/howto/unsubscribe.md',
    'docs/howto/waiting-mail.md',
  )
  .sort();

interface Block {
  readonly language: string;
  readonly name: string;
  readonly content: string;
}

function blocksOf(page: string): Block[] {
  const fences = readFileSync(join(root, page), 'utf8').matchAll(/^```(\w+) ?(\S*)\n(.*?)^```$/gms);
  return Array.from(fences, ([, language, name, content]) => ({ language: language!, name: name!, content: content! }));
}

/** Runs lines as a shell does that stops at the first that fails. */
async function shell(lines: string, cwd: string, env: Record<string, string>): Promise<string> {
  const child = spawn('bash', ['-e', '-o', 'pipefail', '-c', lines], { cwd, env: { ...process.env, ...env } });
  let output = '';
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (text: string) => (output += text));
  child.stdin.end();
  await once(child, 'close');
  expect(child.exitCode, `${lines}\n${output}`).toBe(0);
  return output;
}

/** Does a page in a folder that looks like the project's. @returns all that it printed */
async function doPage(scenario: Scenario, page: string): Promise<string> {
  const { folder } = scenario;
  await mkdir(join(folder, 'bin'));
  await symlink(join(root, 'bin/mailyard'), join(folder, 'bin/mailyard'));
  await symlink(grpcurl(), join(folder, 'bin/grpcurl'));
  await symlink(join(root, 'proto'), join(folder, 'proto'));
  await symlink(join(root, 'node_modules'), join(folder, 'node_modules'));
  // Programs of the pages run under this Node, whichever the machine has.
  await symlink(process.execPath, join(folder, 'bin/node'));
  // By its whole path, or Python may take the packages of the machine for those of its virtual environment.
  const python = `#!/bin/sh\nexec '${join(pythonGrpc(), 'bin/python3')}' "$@"\n`;
  await writeFile(join(folder, 'bin/python3'), python, { mode: 0o755 });
  const port = await freePort();
  let smtpPort: number | undefined;
  const here = (text: string) => text.replaceAll(':50051', `:${port}`).replaceAll(':2525', `:${smtpPort ?? 2525}`);
  const start = async (words: readonly string[]) => {
    const own = ['--data', join(folder, 'data'), '--smtp', '127.0.0.1:0', '--http', '127.0.0.1:0'];
    const gateway = await Gateway.start([...words, ...own], join(folder, 'gateway.log'), {}, folder);
    ({ smtpPort } = gateway);
    scenario.onEnd(() => gateway.end('SIGKILL'));
  };
  const env = {
    MAILYARD_SERVER: `localhost:${port}`,
    USER: 'ann',
    PATH: [join(folder, 'bin'), process.env['PATH']].join(delimiter),
  };
  const blocks = blocksOf(page);
  if (!blocks.some(({ name }) => name === 'start')) await start(['--grpc', `127.0.0.1:${port}`]);
  let output = '';
  for (const { language, name, content } of blocks) {
    if (name === 'start') await start(here(content).trim().split(' ').slice(2));
    else if (name !== '') await writeFile(join(folder, name), here(content));
    else if (language === 'sh') output += await shell(here(content), folder, env);
  }
  return output;
}

/** What each page leads to, in words of its output. */
const SAID: Readonly<Record<string, readonly (string | RegExp)[]>> = {
  'routes-by-command-line.md': ['less specific', 'the chain holds', /committed as version 8, before now/],
  'delivery-controls.md': [/At most 2 connections, 10 messages each/, 'the row example.com', 'Bounce profile: quick.'],
  'dkim.md': [
    /^s2026\._domainkey\.example\.com\. IN TXT \( "v=DKIM1; k=rsa; p=/m,
    /^e2026\._domainkey\.example\.com\. IN TXT "v=DKIM1; k=ed25519; p=/m,
    /\+ dkimProfiles example-rsa {2}domain example\.com, selector s2026, key file s2026\.pem/,
    /RELAY SG SCANNERS match 10\.1\.9\.0\/24/,
  ],
  'waiting-mail.md': [
    /suspended: delivery domain example\.com until .*, by ann: they move house/,
    'suspended: receiving ALL',
    'resumed: receiving ALL',
    '0 recipients would be removed',
    /127\.0\.0\.1:3/,
    '0 recipients bounced',
  ],
  'events.md': [
    /^\d.*accepted {3}.*to <you@example.com>/m,
    /accepted: 1\n.*deferred: 1\n.*now at .*accepted: 1\n/s,
    /"EVENT_KIND_ACCEPTED"/,
  ],
  'operate.md': ['the settings are right: embedded', 'nothing to change', 'the chain holds'],
  'routes-by-file.md': ['0 added, 0 removed, 0 changed', 'nothing to change', 'dns.example'],
  'migrate.md': [
    'the table becomes dotted',
    'gone.example  /dev/null',
    'ALL:  [smarthost.example.net]',
    /match nobody.*sbrs/,
    'RELAY SG RELAYLIST match 10.1.0.0/16',
    '+ destinationControls example.com  maxConnections 10, tls required',
    /\[example\.com\]\nmax_host_concurrency = 10\nlimit_type = host\nlimit_apply = VG\ntable_tls = required\n/,
  ],
  'routes-by-grpc.md': [
    'mailyard.routing.v1.ConfigurationService',
    '"SERVING"',
    "goes to ['mail.example.org']",
    'operations[1].set.item.route.destinations[0] ROUTE_PORT_RANGE',
    'NOT_FOUND ROUTE_NOT_FOUND',
    'example.org mail.example.org -> mail2.example.org',
    /ABORTED VERSION_CONFLICT routes example\.org at \d+\nversion \d+\nchanged \d+ example\.org\n/,
    'rolled back as version',
    /goes to mail\.example\.net\nstatus 3: .*wildcard/,
  ],
  'aliases.md': [
    '+ domainMap @.old.example  @example.com',
    /domain map @old\.example\nalias sales@example\.com\n {2}ann@example\.com\n {2}bob@partner\.example\n/,
    /alias team@example\.com\n {2}ann@example\.com\n {2}bob@partner\.example\n {2}carl@example\.com\n/,
    'info@mail.example.com becomes ann@mail.example.com on receipt (alias info@.example.com)',
    /aliases nobody@example\.com {2}\/dev\/null/,
    /\nsales@example\.com: ann@example\.com, bob@partner\.example\nnobody@example\.com: \/dev\/null\n/,
  ],
  'bounce-verification.md': [
    '+ bounceKeys 1  file bounce-1.key',
    /\+ destinationControls DEFAULT {2}bounceVerification true/,
    'Senders of mail from clients that relay are tagged.',
    'untagged_bounces = "mark"',
  ],
  'unsubscribe.md': [
    '+ globalUnsubscribe vip@example.com  bounce',
    'joe@example.net is sent nothing: global unsubscribe joe@example.net drops its mail',
    /\njoe@example\.net\n@example\.org\nvip@example\.com bounce\n/,
  ],
  'virtual-gateways.md': [
    'the settings are right',
    /\+ virtualGateways @shop\.example {2}news/,
    /from: ceo@shop\.example\n {4}gateway: receipts/,
  ],
  'who-may-send.md': [
    'RELAY SG RELAYLIST match 10.1.0.0/16 policy $RELAYED',
    'ACCEPT SG None match ALL',
    'ACCEPT SG SUSPECTLIST match 198.51.100.0/24 policy $THROTTLED',
    'TCPREFUSE SG None match 192.0.2.',
    'REJECT SG None match .spamdomain.example',
    '# listener inside',
    'REJECT SG None match ALL',
    'written to exported.txt',
  ],
  'submission.md': ['ada can authenticate', /^ada$/m, 'the settings are right'],
  'roles-and-tls.md': ['ann (adam)', 'ROLE_TOO_LOW', '"mail.example.net"'],
};

await describeWith(['python-grpc', 'grpcurl'], 'docs/howto', () => {
  it.each(pages)('%s can be done as it stands', async (page) => {
    await using scenario = await Scenario.begin();
    const output = await doPage(scenario, page);
    for (const said of SAID[basename(page)]!) expect(output).toMatch(said);
  });
});
