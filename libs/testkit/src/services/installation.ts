/**
 * What the tests need from outside npm, where it comes from, and how it is brought here: Kafka as jars through Maven,
 * the S3 server and grpcurl built from their Go modules, gRPC for Python from wheels, the rest from Debian packages.
 */
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { findProgram, runCommand } from './command.ts';
import { servicesCache, underInstallLock } from './install-lock.ts';

/** A neighbour that tests talk to. */
export type ServiceName =
  | 'kafka'
  | 'redis'
  | 's3'
  | 'dns'
  | 'postfix'
  | 'swaks'
  | 'strace'
  | 'python-grpc'
  | 'python-dkim'
  | 'grpcurl'
  | 'zsh'
  | 'chromium';

export const SERVICE_NAMES: readonly ServiceName[] = [
  'kafka',
  'redis',
  's3',
  'dns',
  'postfix',
  'swaks',
  'strace',
  'python-grpc',
  'python-dkim',
  'grpcurl',
  'zsh',
  'chromium',
];

/** Neighbours that run in a container where an engine is found. The others are programs of this machine everywhere. */
export const CONTAINER_SERVICES: ReadonlySet<ServiceName> = new Set<ServiceName>(['kafka', 'redis', 's3']);

/** Told what an installation is about to do, in words. */
export type Say = (line: string) => void;

interface Installation {
  present(): boolean;
  /** @throws Error with the reason why it cannot be had here */
  install(say: Say): Promise<void>;
}

/** The folder of the jars of Kafka 4.4.0; `kafka.pom.xml` names the version too. */
export const kafkaJars = (): string => join(servicesCache(), 'kafka-4.4.0');

const VERSITYGW = 'v1.8.0';

/** The S3 server. */
export const s3Server = (): string => join(servicesCache(), `versitygw-${VERSITYGW}`);

const GRPCURL = 'v1.9.3';

/** A gRPC client that knows no contract but what reflection tells it. */
export const grpcurl = (): string => join(servicesCache(), `grpcurl-${GRPCURL}`);

const PYTHON_GRPC = '1.85.1';
const PYTHON_PACKAGES = ['grpcio', 'grpcio-tools', 'grpcio-status', 'grpcio-health-checking', 'grpcio-reflection'];

/** The folder of a Python environment with gRPC's own client and generator; its programs are in `bin`. */
export const pythonGrpc = (): string => join(servicesCache(), `python-grpc-${PYTHON_GRPC}`);

/** Debian's own Python, which sees its packages: dkimpy, PyNaCl for Ed25519, dnspython. */
export const DEBIAN_PYTHON = '/usr/bin/python3';
const DEBIAN_PYTHON_PACKAGES = '/usr/lib/python3/dist-packages';

const INSTALLATIONS: Readonly<Record<ServiceName, Installation>> = {
  kafka: {
    present: () => existsSync(kafkaJars()) && findProgram('java') !== undefined,
    install: installKafka,
  },
  redis: fromDebian('redis-server', ['redis-server']),
  s3: {
    present: () => existsSync(s3Server()),
    install: installS3,
  },
  dns: fromDebian('nsd', ['nsd']),
  postfix: fromDebian('postfix', ['postfix', 'smtp-source', 'smtp-sink']),
  swaks: fromDebian('swaks', ['swaks']),
  strace: fromDebian('strace', ['strace']),
  'python-grpc': {
    // Made last, so that a half-made environment is not taken for one.
    present: () => existsSync(join(pythonGrpc(), 'complete')),
    install: installPythonGrpc,
  },
  'python-dkim': {
    present: () =>
      existsSync(DEBIAN_PYTHON) &&
      ['dkim', 'nacl', 'dns'].every((name) => existsSync(join(DEBIAN_PYTHON_PACKAGES, name))),
    install: (say) => installPackages(['python3-dkim', 'python3-nacl', 'python3-dnspython'], say),
  },
  grpcurl: {
    present: () => existsSync(grpcurl()),
    install: installGrpcurl,
  },
  zsh: fromDebian('zsh', ['zsh']),
  // With a font that has Japanese: what does not fit is seen only where it is drawn.
  chromium: fromDebian('chromium', ['chromium'], ['fonts-noto-cjk']),
};

/** Whether a neighbour can be started here as it is. */
export function isInstalled(name: ServiceName): boolean {
  return INSTALLATIONS[name].present();
}

/** Brings a neighbour here unless it is; of two processes that ask at once the second waits. */
export async function install(name: ServiceName, say: Say): Promise<void> {
  if (isInstalled(name)) return;
  await underInstallLock(async () => {
    if (!isInstalled(name)) await INSTALLATIONS[name].install(say);
  });
}

function fromDebian(name: string, programs: readonly string[], also: readonly string[] = []): Installation {
  return {
    present: () => programs.every((program) => findProgram(program) !== undefined),
    install: (say) => installPackages([name, ...also], say),
  };
}

async function installPackages(names: readonly string[], say: Say): Promise<void> {
  if (findProgram('apt-get') === undefined)
    throw new Error(`${names.join(', ')} missing, and no apt-get to install it`);
  if (process.getuid?.() !== 0) throw new Error(`${names.join(', ')} missing, and only root may install it`);
  say(`installing the Debian package ${names.join(', ')}`);
  // RUNLEVEL 1 keeps the package from starting a server of its own.
  const environment = { DEBIAN_FRONTEND: 'noninteractive', RUNLEVEL: '1' };
  await runCommand('apt-get', ['update', '-qq'], environment);
  await runCommand('apt-get', ['install', '-y', '-qq', '--no-install-recommends', ...names], environment);
}

async function installKafka(say: Say): Promise<void> {
  const missing = [
    ...(findProgram('java') === undefined ? ['default-jre-headless'] : []),
    ...(findProgram('mvn') === undefined ? ['maven'] : []),
  ];
  if (missing.length > 0) await installPackages(missing, say);
  if (existsSync(kafkaJars())) return;
  say('fetching Kafka 4.4.0 through Maven (45 jars, 43 MB)');
  await intoCache(kafkaJars(), async (folder) => {
    await runCommand('mvn', [
      '-q',
      '-B',
      '-ntp',
      '-f',
      join(import.meta.dirname, 'kafka.pom.xml'),
      'dependency:copy-dependencies',
      '-DincludeScope=runtime',
      `-DoutputDirectory=${folder}`,
    ]);
    return folder;
  });
}

async function installS3(say: Say): Promise<void> {
  if (findProgram('go') === undefined) throw new Error('the S3 server is built with Go, and there is no go here');
  say(`building the S3 server versitygw ${VERSITYGW} (two to three minutes)`);
  await intoCache(s3Server(), async (folder) => {
    const module = `github.com/versity/versitygw/cmd/versitygw@${VERSITYGW}`;
    await runCommand('go', ['install', '-trimpath', '-ldflags=-s -w', module], { GOBIN: folder });
    return join(folder, 'versitygw');
  });
}

async function installGrpcurl(say: Say): Promise<void> {
  if (findProgram('go') === undefined) throw new Error('grpcurl is built with Go, and there is no go here');
  say(`building grpcurl ${GRPCURL} (a minute)`);
  await intoCache(grpcurl(), async (folder) => {
    const module = `github.com/fullstorydev/grpcurl/cmd/grpcurl@${GRPCURL}`;
    await runCommand('go', ['install', '-trimpath', '-ldflags=-s -w', module], { GOBIN: folder });
    return join(folder, 'grpcurl');
  });
}

/** Not by {@link intoCache}: the programs of an environment name the folder that they were made in. */
async function installPythonGrpc(say: Say): Promise<void> {
  if (findProgram('python3') === undefined) await installPackages(['python3', 'python3-venv'], say);
  say(`fetching grpcio ${PYTHON_GRPC} for Python (12 MB)`);
  await mkdir(servicesCache(), { recursive: true });
  await rm(pythonGrpc(), { recursive: true, force: true });
  await runCommand('python3', ['-m', 'venv', pythonGrpc()]);
  await runCommand(join(pythonGrpc(), 'bin/pip'), [
    'install',
    '--quiet',
    '--disable-pip-version-check',
    '--only-binary=:all:',
    ...PYTHON_PACKAGES.map((name) => `${name}==${PYTHON_GRPC}`),
  ]);
  await writeFile(join(pythonGrpc(), 'complete'), '');
}

/** Lets `make` fill a folder and moves what it names to its place: what stands there is always complete. */
async function intoCache(place: string, make: (folder: string) => Promise<string>): Promise<void> {
  await mkdir(servicesCache(), { recursive: true });
  const folder = await mkdtemp(`${place}.part-`);
  try {
    await rename(await make(folder), place);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
