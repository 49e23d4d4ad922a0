import { once } from 'node:events';
import { createServer } from 'node:net';
import type { Settings, SettingsFault } from '@mailyard/settings';

/** Tells which source addresses of virtual gateways this machine does not have: each is bound once, to any free port. */
export async function checkGateways({ roles, delivery }: Settings): Promise<readonly SettingsFault[]> {
  if (!roles.includes('delivery')) return [];
  const faults: SettingsFault[] = [];
  for (const [name, { addresses }] of Object.entries(delivery.gateways)) {
    for (const address of addresses) {
      const problem = await bindFault(address);
      if (problem !== undefined)
        faults.push({
          place: `delivery.gateways.${name}.addresses`,
          problem: `${address} is not of this machine: ${problem}`,
        });
    }
  }
  return faults;
}

async function bindFault(address: string): Promise<string | undefined> {
  const server = createServer();
  try {
    server.listen({ host: address, port: 0 });
    await once(server, 'listening');
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  } finally {
    server.close();
  }
}
