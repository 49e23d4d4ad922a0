/**
 * Brings the neighbours here that tests talk to, before any test waits for one:
 *
 *   node libs/testkit/src/services/install.ts [NAME…]
 *
 * Names are those of `SERVICE_NAMES`; without, all of them. What is here already is left alone. Exits 1 when one cannot be had, and says why; the
 * others are installed all the same.
 */
import { dockerEngine } from './docker-engine.ts';
import { CONTAINER_SERVICES, install, isInstalled, SERVICE_NAMES, type ServiceName } from './installation.ts';

const say = (line: string): void => void process.stdout.write(`${line}\n`);
const names = process.argv.slice(2);
const unknown = names.filter((name) => !SERVICE_NAMES.includes(name as ServiceName));
if (unknown.length > 0) {
  process.stderr.write(`no such service: ${unknown.join(', ')}; there are: ${SERVICE_NAMES.join(', ')}\n`);
  process.exit(64);
}

for (const name of names.length > 0 ? (names as ServiceName[]) : SERVICE_NAMES) {
  if (CONTAINER_SERVICES.has(name) && (await dockerEngine())) say(`${name}: in a container, a Docker engine is here`);
  else if (isInstalled(name)) say(`${name}: here`);
  else await bring(name);
}

async function bring(name: ServiceName): Promise<void> {
  try {
    await install(name, (line) => say(`${name}: ${line}`));
    say(`${name}: installed`);
  } catch (error) {
    say(`${name}: MISSING: ${error instanceof Error ? error.message : String(error)}`);
    process.exitCode = 1;
  }
}
