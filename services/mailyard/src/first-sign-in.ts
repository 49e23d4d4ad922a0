/**
 * Where and how the first administrator signs in.
 *
 * @param address that is listened on; where that is every address, a browser is sent to this machine by its name
 */
export function firstSignInText(address: string, isTls: boolean, code: string, machine: string): string {
  const place = address.replace(/^(0\.0\.0\.0|\[::\])(?=:\d+$)/, machine);
  const scheme = isTls ? 'https' : 'http';
  return `nobody can sign in to the web page yet: open ${scheme}://${place}/ and enter the code ${code}, or run mailyard user set NAME\n`;
}
