/**
 * `node tools/complete-lock.ts`, after dependencies changed: makes package-lock.json name the packages of every platform.
 *
 * A package that carries a binary has one optional dependency a platform. Where a registry's copy lacks some of them,
 * `npm install` leaves them out of the lock file, and `npm ci` then refuses it. What is missing is put back with its
 * version and the platform that its name tells, so that npm passes it over elsewhere.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

interface LockedPackage {
  readonly version: string;
  resolved?: string;
  readonly optional?: boolean;
  readonly os?: readonly string[];
  readonly cpu?: readonly string[];
  readonly libc?: readonly string[];
  readonly optionalDependencies?: Readonly<Record<string, string>>;
}

const SYSTEMS = ['android', 'darwin', 'freebsd', 'linux', 'openharmony', 'win32'];
const PROCESSORS = ['arm64', 'x64', 'ia32', 'riscv64', 's390x', 'ppc64', 'arm'];

const file = join(import.meta.dirname, '../package-lock.json');
const lock = JSON.parse(readFileSync(file, 'utf8')) as { packages: Record<string, LockedPackage> };
const added: string[] = [];
// Which registry a copy came from is that machine's matter; version and hash say what it is.
for (const locked of Object.values(lock.packages))
  if (locked.resolved?.startsWith('http') === true) delete locked.resolved;
for (const { optionalDependencies } of Object.values(lock.packages)) {
  for (const [name, version] of Object.entries(optionalDependencies ?? {})) {
    const place = `node_modules/${name}`;
    const words = name.split(/[/-]/);
    const os = SYSTEMS.find((system) => words.includes(system));
    const cpu = PROCESSORS.find((processor) => words.some((word) => word.startsWith(processor)));
    if (place in lock.packages || os === undefined || cpu === undefined || !/^\d/.test(version)) continue;
    const libc = os === 'linux' ? { libc: [words.some((word) => word.startsWith('musl')) ? 'musl' : 'glibc'] } : {};
    lock.packages[place] = { version, optional: true, os: [os], cpu: [cpu], ...libc };
    added.push(name);
  }
}
lock.packages = Object.fromEntries(Object.entries(lock.packages).sort(([a], [b]) => (a < b ? -1 : 1)));
writeFileSync(file, `${JSON.stringify(lock, null, 2)}\n`);
process.stdout.write(`${added.length} packages of other platforms put back\n`);
