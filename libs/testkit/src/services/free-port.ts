import { once } from 'node:events';
import { createServer } from 'node:net';

/** Below the ports that kernels give to outgoing connections (from 32768), which could take one while its server is down. */
const LOWEST = 12_000;
const COUNT = 20_000;

/** Processes that run at once begin at places of their own, more ports apart than one of them takes. */
const APART = 211;
let taken = 0;

/** A port of loopback that nothing listens on, and that no other test chooses at the same time: never twice in a process. */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = LOWEST + ((process.pid * APART + taken++) % COUNT);
    if (await isFree(port)) return port;
  }
}

async function isFree(port: number): Promise<boolean> {
  const server = createServer();
  try {
    server.listen(port, '127.0.0.1');
    await once(server, 'listening');
    return true;
  } catch {
    return false;
  } finally {
    server.close();
  }
}
