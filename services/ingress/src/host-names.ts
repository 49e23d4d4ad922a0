import { setTimeout as wait } from 'node:timers/promises';
import { addressNumber, type HostNames } from '@mailyard/access';
import type { Domain } from '@mailyard/mail';

/** A client waits no longer than this for its greeting; names that are not verified by then are none. */
const LIMIT_MS = 5_000;
/** Whoever owns an address may give it any number of names. */
const MOST_NAMES = 10;

/**
 * The names of a client that lead back to its address (R123). Whoever owns the address says what it is called; only who owns
 * the name says where the name leads.
 *
 * @returns none where the DNS does not answer, or not in time
 */
export async function verifiedNames(dns: HostNames, address: string, limitMs = LIMIT_MS): Promise<readonly Domain[]> {
  const stop = new AbortController();
  const verified: Domain[] = [];
  const late = wait(limitMs, undefined, { signal: stop.signal }).catch(() => undefined);
  try {
    await Promise.race([verify(dns, address, verified), late]);
  } catch {
    // No answer is no name.
  } finally {
    stop.abort();
  }
  return [...verified];
}

async function verify(dns: HostNames, address: string, verified: Domain[]): Promise<void> {
  const own = addressNumber(address);
  if (own === undefined) return;
  const names = new Set((await dns.namesOf(address)).slice(0, MOST_NAMES));
  await Promise.all(
    Array.from(names, async (name) => {
      const addresses = await dns.addressesOf(name).catch(() => []);
      const leadsBack = addresses.some((each) => {
        const number = addressNumber(each);
        return number?.family === own.family && number.value === own.value;
      });
      if (leadsBack) verified.push(name);
    }),
  );
}
