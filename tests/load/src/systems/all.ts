import { haraka } from './haraka.ts';
import { mailyard } from './mailyard.ts';
import { postfix } from './postfix.ts';
import { SIGNING_SYSTEMS } from './signing.ts';
import type { MailSystem } from './system.ts';

const SYSTEMS: ReadonlyMap<string, MailSystem> = new Map(
  [mailyard, postfix, haraka, ...SIGNING_SYSTEMS].map((system) => [system.name, system]),
);

/**
 * The systems of these names, ready to be started. One that cannot be had here is left out, and said so.
 *
 * @throws RangeError where there is none of a name
 */
export async function systemsNamed(names: string, say: (line: string) => void): Promise<MailSystem[]> {
  const ready: MailSystem[] = [];
  for (const name of names.split(',')) {
    const system = SYSTEMS.get(name);
    if (system === undefined)
      throw new RangeError(`no such system: ${name}; there are: ${[...SYSTEMS.keys()].join(', ')}`);
    try {
      await system.prepare?.();
      ready.push(system);
    } catch (error) {
      say(`${name} is left out: ${error instanceof Error ? error.message : String(error)}`);
    }
  }
  return ready;
}
