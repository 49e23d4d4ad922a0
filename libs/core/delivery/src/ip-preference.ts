/** Which of a host's addresses mail goes to, and in which order (R142). */

/** Which family comes first, or is the only one: AsyncOS's `ip_sort_pref`. */
export type IpPreference = 'preferV6' | 'requireV6' | 'preferV4' | 'requireV4';

export const IP_PREFERENCES: readonly IpPreference[] = ['preferV6', 'requireV6', 'preferV4', 'requireV4'];

export type IpFamily = 'IPv4' | 'IPv6';

export function familyOf(address: string): IpFamily {
  return address.includes(':') ? 'IPv6' : 'IPv4';
}

/**
 * The addresses that may be tried, in the order to be tried; inside one family as the DNS has them.
 *
 * @param reachable families that there is a way to; absent: all
 */
export function orderAddresses(
  addresses: readonly string[],
  preference: IpPreference,
  reachable?: ReadonlySet<IpFamily>,
): string[] {
  return familiesOf(preference)
    .filter((family) => reachable?.has(family) !== false)
    .flatMap((family) => addresses.filter((address) => familyOf(address) === family));
}

/** The families that may be used, the better one first. */
export function familiesOf(preference: IpPreference): readonly IpFamily[] {
  switch (preference) {
    case 'preferV6':
      return ['IPv6', 'IPv4'];
    case 'preferV4':
      return ['IPv4', 'IPv6'];
    case 'requireV6':
      return ['IPv6'];
    case 'requireV4':
      return ['IPv4'];
  }
}
