/**
 * A real authoritative DNS server (nsd) for tests, over UDP and TCP. It runs as a process of this machine everywhere.
 *
 * What a question gets: a name of a zone its records; no such name in it NXDOMAIN; any name of a zone whose text is
 * empty SERVFAIL; a name of no zone REFUSED. For scripted answers and silence see `dns-server.ts` of this testkit.
 */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findProgram } from './command.ts';
import { freePort } from './free-port.ts';
import { LocalProcess } from './local-process.ts';
import { isListening } from './service-unit.ts';

export interface DnsServer {
  /** `127.0.0.1:port`. */
  readonly address: string;
  readonly port: number;
  /** Serves these zones from now on instead. */
  change(zones: Readonly<Record<string, string>>): Promise<void>;
  kill(): Promise<void>;
  resume(): Promise<void>;
  stop(): Promise<void>;
}

/** @param zones the text of each zone's master file, by the name of the zone */
export async function startDns(zones: Readonly<Record<string, string>>): Promise<DnsServer> {
  const port = await freePort();
  const folder = await mkdtemp(join(tmpdir(), 'mailyard-dns-'));
  const unit = new LocalProcess({
    folder,
    command: findProgram('nsd') ?? 'nsd',
    parameters: ['-d', '-c', join(folder, 'nsd.conf')],
    ready: () => isListening(port),
    readyWithinMs: 10_000,
  });
  await writeZones(folder, port, zones);
  await unit.start();
  return {
    address: `127.0.0.1:${port}`,
    port,
    change: async (changed) => {
      await unit.stop();
      await writeZones(folder, port, changed);
      await unit.start();
    },
    kill: () => unit.kill(),
    resume: () => unit.start(),
    stop: () => unit.remove(),
  };
}

async function writeZones(folder: string, port: number, zones: Readonly<Record<string, string>>): Promise<void> {
  const zoneFolder = join(folder, 'zones');
  await rm(zoneFolder, { recursive: true, force: true });
  await mkdir(zoneFolder);
  const settings = [
    'server:',
    `  ip-address: 127.0.0.1@${port}`,
    '  server-count: 1',
    '  username: ""',
    '  chroot: ""',
    '  pidfile: ""',
    '  database: ""',
    `  zonesdir: "${zoneFolder}"`,
    `  xfrdir: "${folder}"`,
    `  xfrdfile: "${join(folder, 'xfrd.state')}"`,
    `  zonelistfile: "${join(folder, 'zone.list')}"`,
    // No limit on equal answers: tests ask the same thing again and again.
    '  rrl-ratelimit: 0',
    'remote-control:',
    '  control-enable: no',
  ];
  let count = 0;
  for (const [name, text] of Object.entries(zones)) {
    const file = join(zoneFolder, `${count++}.zone`);
    await writeFile(file, text);
    settings.push('zone:', `  name: "${name}"`, `  zonefile: "${file}"`);
  }
  await writeFile(join(folder, 'nsd.conf'), `${settings.join('\n')}\n`);
}
