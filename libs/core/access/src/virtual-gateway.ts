import { type IpAddress, parseIpAddress } from '@mailyard/mail';
import { type AccessFault, accessFault } from './access-fault.ts';
import { type AddressPattern, printPattern, readMemberPattern, type Subject } from './address-pattern.ts';
import { PatternIndex } from './pattern-index.ts';

/** A row of the virtual gateway map (R147): which mail leaves by a gateway. AsyncOS's `altsrchost`. */
export interface VirtualGatewayRow {
  /** Address of the client, or envelope sender: `user@example.com`, `user@`, `@example.com`, `@.example.com`; or `ALL`. */
  readonly from: string;
  /** Name of the gateway; which addresses it has is said by the settings of the machines that deliver. */
  readonly gateway: string;
}

const NAME = /^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$/;

/** Whether a virtual gateway may be called this. */
function isGatewayName(name: string): boolean {
  return NAME.test(name);
}

/** What a row is for, in the form in which it is compared; undefined when it is neither an address nor a sender. */
export function gatewayKey(from: string): string | undefined {
  const address = parseIpAddress(from);
  if (address !== undefined) return address;
  const pattern = readMemberPattern(from);
  return pattern === undefined ? undefined : printPattern(pattern);
}

/**
 * By which virtual gateway mail leaves, told by whom it came from. The first row in order that names the client's address
 * or the envelope sender decides; mail that no row names leaves by none.
 */
export class VirtualGatewayMap {
  static readonly EMPTY = new VirtualGatewayMap([], new Map(), new PatternIndex([]));
  readonly #gateways: readonly string[];
  readonly #clients: ReadonlyMap<IpAddress, number>;
  readonly #senders: PatternIndex;

  private constructor(gateways: readonly string[], clients: ReadonlyMap<IpAddress, number>, senders: PatternIndex) {
    this.#gateways = gateways;
    this.#clients = clients;
    this.#senders = senders;
  }

  /** Reads the rows in their order, or tells every fault at once. */
  static read(rows: readonly VirtualGatewayRow[]): VirtualGatewayMap | readonly AccessFault[] {
    if (rows.length === 0) return VirtualGatewayMap.EMPTY;
    const faults: AccessFault[] = [];
    const clients = new Map<IpAddress, number>();
    const senders: { pattern: AddressPattern; place: number }[] = [];
    for (const [place, { from, gateway }] of rows.entries()) {
      const field = `virtualGateways[${place}]`;
      if (!isGatewayName(gateway))
        faults.push(
          accessFault(
            'GATEWAY_NAME_INVALID',
            `${field}.gateway`,
            gateway,
            'must be 1 to 64 letters, digits, dots, hyphens or underscores, the first one a letter or digit',
          ),
        );
      const address = parseIpAddress(from);
      const pattern = address === undefined ? readMemberPattern(from) : undefined;
      if (address !== undefined) clients.set(address, Math.min(place, clients.get(address) ?? place));
      else if (pattern !== undefined) senders.push({ pattern, place });
      else
        faults.push(
          accessFault(
            'GATEWAY_SENDER_INVALID',
            `${field}.from`,
            from,
            'is no IP address, user@domain, user@, @domain, @.domain or ALL',
          ),
        );
    }
    if (faults.length > 0) return faults;
    return new VirtualGatewayMap(
      rows.map(({ gateway }) => gateway),
      clients,
      new PatternIndex(senders),
    );
  }

  /**
   * The gateway of a message; undefined for none.
   *
   * @param client IPv4 in dotted decimal, or IPv6 in any text
   * @param sender the reverse-path; null for the null reverse-path, which only `ALL` names
   */
  gatewayOf(client: string, sender: Subject | null): string | undefined {
    if (this.#gateways.length === 0) return undefined;
    const address = this.#clients.size === 0 ? undefined : parseIpAddress(client);
    const byClient = address === undefined ? undefined : this.#clients.get(address);
    const bySender = this.#senders.first(sender ?? NOBODY);
    if (byClient === undefined || bySender === undefined) return this.#gateways[byClient ?? bySender ?? -1];
    return this.#gateways[Math.min(byClient, bySender)];
  }
}

const NOBODY: Subject = { localPart: '', domain: '' };
