import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { runCommand } from '@mailyard/testkit/services/command';
import { MAILYARD_PROGRAM, type RunningMailyard, startMailyard } from './mailyard.ts';
import type { MailSystem, Plan } from './system.ts';

/** Where the load generator's mail is from. */
const AUTHORS = 'client.load.test';

/** Mailyard that relays for the load generator, without DKIM and with a key of each kind: what signing costs. */
export const SIGNING_SYSTEMS: readonly MailSystem[] = [
  relaying('mailyard-relays', undefined),
  relaying('mailyard-rsa', 'rsa'),
  relaying('mailyard-ed25519', 'ed25519'),
];

function relaying(name: string, type: 'rsa' | 'ed25519' | undefined): MailSystem {
  return {
    name,
    warmUp: 6_000,
    async describe() {
      const version = (await runCommand(MAILYARD_PROGRAM, ['--version'])).trim();
      return { version, durability: 'one synced write of a whole group of acceptances' };
    },
    async start(plan) {
      const roles = plan.mode === 'hold' ? ['--roles', 'ingress,routing,admin'] : [];
      const words = ['--data', join(plan.folder, 'data'), '--smtp', '127.0.0.1:0', ...roles];
      const running = await startMailyard(plan, name, words);
      await configure(running, plan, type);
      return running;
    },
  };
}

async function configure(
  { grpc }: RunningMailyard,
  { folder, routes }: Plan,
  type: 'rsa' | 'ed25519' | undefined,
): Promise<void> {
  const key = join(folder, 'dkim.pem');
  if (type !== undefined) await runCommand(MAILYARD_PROGRAM, ['dkim', 'keygen', key, '--type', type]);
  const file = join(folder, 'configuration.json');
  const profile = { domain: AUTHORS, selector: 'load', key: { file: key } };
  await writeFile(
    file,
    JSON.stringify({
      routes: Object.fromEntries(routes.map(({ domain, destinations }) => [domain, destinations])),
      hat: [{ source: '127.0.0.1', action: 'RELAY' }],
      dkimProfiles: type === undefined ? {} : { load: profile },
    }),
  );
  await runCommand(MAILYARD_PROGRAM, ['apply', '-f', file, 'yes', '--server', grpc]);
}
