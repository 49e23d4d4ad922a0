import { mailyard } from './mailyard.ts';
import { postfix } from './postfix.ts';
import type { MailSystem } from './system.ts';

const SYSTEMS: ReadonlyMap<string, MailSystem> = new Map([mailyard, postfix].map((system) => [system.name, system]));

/** @throws RangeError where there is none of that name */
export function systemNamed(name: string): MailSystem {
  const system = SYSTEMS.get(name);
  if (system === undefined)
    throw new RangeError(`no such system: ${name}; there are: ${[...SYSTEMS.keys()].join(', ')}`);
  return system;
}
