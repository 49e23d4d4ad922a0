import { formatEndpoint, parseEndpoint } from '@mailyard/settings';
import { isEverywhere } from './gateway/reachable-address.ts';

/**
 * Where and how the first administrator signs in.
 *
 * @param address that is listened on; where that is every address, a browser is sent to this machine by its name
 */
export function firstSignInText(address: string, isTls: boolean, code: string, machine: string): string {
  const endpoint = parseEndpoint(address);
  const isOpen = endpoint !== undefined && isEverywhere(endpoint.host);
  const place = isOpen ? formatEndpoint({ host: machine, port: endpoint.port }) : address;
  const scheme = isTls ? 'https' : 'http';
  return `nobody can sign in to the web page yet: open ${scheme}://${place}/ and enter the code ${code}, or run mailyard user set NAME\n`;
}
