import { describe } from 'vitest';
import { dockerEngine } from './docker-engine.ts';
import { CONTAINER_SERVICES, install, isInstalled, type ServiceName } from './installation.ts';

/**
 * Makes sure that neighbours can be started: installs what is missing, unless `MAILYARD_NO_INSTALL` is 1.
 *
 * @returns undefined when all are there, else the reason to skip
 * @throws Error with that reason where skipping is no answer: with `CI=true` or `MAILYARD_REQUIRE_SERVICES=1`
 */
export async function requireService(...names: readonly ServiceName[]): Promise<string | undefined> {
  for (const name of names) {
    const reason = await missing(name);
    if (reason === undefined) continue;
    if (process.env['CI'] === 'true' || process.env['MAILYARD_REQUIRE_SERVICES'] === '1')
      throw new Error(`${name} is required: ${reason}`);
    return `${name} is missing: ${reason}`;
  }
  return undefined;
}

/** A `describe` that runs where the neighbours are there, and is skipped with the reason in its title where not. */
export async function describeWith(names: readonly ServiceName[], title: string, specify: () => void): Promise<void> {
  const reason = await requireService(...names);
  if (reason === undefined) describe(title, specify);
  else describe.skip(`${title} (${reason})`, specify);
}

async function missing(name: ServiceName): Promise<string | undefined> {
  if (CONTAINER_SERVICES.has(name) && (await dockerEngine())) return undefined;
  if (isInstalled(name)) return undefined;
  if (process.env['MAILYARD_NO_INSTALL'] === '1') return 'not installed, and MAILYARD_NO_INSTALL forbids to install it';
  try {
    await install(name, (line) => process.stderr.write(`${name}: ${line}\n`));
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}
