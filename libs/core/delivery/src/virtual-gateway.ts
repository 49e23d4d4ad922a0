/** From where mail of a virtual gateway leaves (R147): what a machine has for it. */
import { familyOf, type IpFamily } from './ip-preference.ts';

/** A virtual gateway on this machine. Without addresses the machine's own choice serves, and only the name differs. */
export interface VirtualGateway {
  readonly name: string;
  /** What EHLO says; that of the system where absent. */
  readonly heloName?: string;
  /** Source addresses; those of one family take turns, connection by connection. */
  readonly addresses: readonly string[];
}

/** The families of addresses that a gateway can reach; undefined where it names no address, so that any may do. */
export function familiesOfGateway({ addresses }: VirtualGateway): ReadonlySet<IpFamily> | undefined {
  return addresses.length === 0 ? undefined : new Set(addresses.map(familyOf));
}

/**
 * The addresses from which a host may be connected to, in the order to be tried; `undefined` is the machine's own choice,
 * which a gateway that names addresses never leaves it to.
 *
 * @param turn how many connections there were before
 */
export function sourceAddressesOf(
  gateway: VirtualGateway | undefined,
  host: string,
  turn: number,
): readonly (string | undefined)[] {
  if (gateway === undefined || gateway.addresses.length === 0) return OWN_CHOICE;
  const suitable = gateway.addresses.filter((address) => familyOf(address) === familyOf(host));
  const first = turn % suitable.length;
  return [...suitable.slice(first), ...suitable.slice(0, first)];
}

const OWN_CHOICE = [undefined];

/** The gateways of the machine, as its settings name them. */
export interface VirtualGateways {
  of(name: string): VirtualGateway | undefined;
}
