import { networkInterfaces } from 'node:os';
import { formatEndpoint, parseEndpoint } from '@mailyard/settings';

/**
 * Where others reach what listens at `HOST:PORT`: the same, or the first address of this machine that is not its
 * loopback where it listens at all of them.
 */
export function reachableAddress(bound: string, interfaces = networkInterfaces()): string {
  const endpoint = parseEndpoint(bound);
  if (endpoint === undefined || !isEverywhere(endpoint.host)) return bound;
  const outward = Object.values(interfaces)
    .flatMap((addresses) => addresses ?? [])
    .filter(({ internal, address }) => !internal && !address.startsWith('fe80:'));
  const [first] = [...outward.filter(({ family }) => family === 'IPv4'), ...outward];
  return first === undefined ? bound : formatEndpoint({ host: first.address, port: endpoint.port });
}

/** Whether all addresses of the machine are meant. */
export function isEverywhere(host: string): boolean {
  return host === '0.0.0.0' || host === '::';
}
