/** An IP address in its one canonical text: dotted decimal, or RFC 5952 for IPv6. */
export type IpAddress = string & { readonly __brand: 'IpAddress' };

const IPV4 = /^(0|[1-9]\d{0,2})\.(0|[1-9]\d{0,2})\.(0|[1-9]\d{0,2})\.(0|[1-9]\d{0,2})$/;
const IPV6_CHARACTERS = /^[0-9a-f:.]{2,45}$/;

/**
 * Reads an IPv4 address in dotted decimal.
 *
 * @returns undefined for anything else, octal and shortened forms (`010.1`, `127.1`) among it
 */
export function parseIpv4(text: string): IpAddress | undefined {
  const match = IPV4.exec(text);
  if (match === null) return undefined;
  for (let i = 1; i <= 4; i++) if (Number(match[i]) > 255) return undefined;
  return text as IpAddress;
}

/**
 * Reads an IPv6 address without brackets, prefix length or zone.
 *
 * @returns its canonical text; undefined when it is none
 * @see RFC 4291 §2.2, RFC 5952 §4
 */
export function parseIpv6(text: string): IpAddress | undefined {
  const groups = ipv6Groups(text);
  return groups === undefined ? undefined : formatIpv6(groups);
}

/** Reads an address of either kind. */
export function parseIpAddress(text: string): IpAddress | undefined {
  return text.includes(':') ? parseIpv6(text) : parseIpv4(text);
}

/**
 * The eight groups of an IPv6 address, a dotted tail (`::ffff:192.0.2.1`) included.
 *
 * @returns undefined when `text` is no IPv6 address
 */
export function ipv6Groups(text: string): readonly number[] | undefined {
  const lower = text.toLowerCase();
  if (!IPV6_CHARACTERS.test(lower) || !lower.includes(':')) return undefined;
  const halves = lower.split('::');
  if (halves.length > 2) return undefined;
  const head = groupsOf(halves[0]!, halves.length === 1);
  const tail = halves.length === 2 ? groupsOf(halves[1]!, true) : [];
  if (head === undefined || tail === undefined) return undefined;
  const missing = 8 - head.length - tail.length;
  // "::" stands for at least one group (RFC 4291 §2.2).
  if (halves.length === 1 ? missing !== 0 : missing < 1) return undefined;
  return [...head, ...Array.from({ length: missing }, () => 0), ...tail];
}

function groupsOf(text: string, mayEndDotted: boolean): number[] | undefined {
  if (text === '') return [];
  const groups: number[] = [];
  const parts = text.split(':');
  for (const [index, part] of parts.entries()) {
    if (part.includes('.')) {
      const dotted = mayEndDotted && index === parts.length - 1 ? parseIpv4(part) : undefined;
      if (dotted === undefined) return undefined;
      const [a, b, c, d] = dotted.split('.').map(Number) as [number, number, number, number];
      groups.push(a * 256 + b, c * 256 + d);
    } else {
      if (!/^[0-9a-f]{1,4}$/.test(part)) return undefined;
      groups.push(Number.parseInt(part, 16));
    }
  }
  return groups;
}

function formatIpv6(groups: readonly number[]): IpAddress {
  // A mapped IPv4 address keeps its dotted tail (RFC 5952 §5).
  if (groups.slice(0, 5).every((group) => group === 0) && groups[5] === 0xffff) {
    const [high, low] = [groups[6]!, groups[7]!];
    return `::ffff:${high >> 8}.${high & 255}.${low >> 8}.${low & 255}` as IpAddress;
  }
  let start = -1;
  let length = 1; // a single zero group is not shortened
  for (let i = 0; i < 8; i++) {
    let end = i;
    while (end < 8 && groups[end] === 0) end++;
    if (end - i > length) [start, length] = [i, end - i];
    if (end > i) i = end;
  }
  const hex = groups.map((group) => group.toString(16));
  if (start < 0) return hex.join(':') as IpAddress;
  return `${hex.slice(0, start).join(':')}::${hex.slice(start + length).join(':')}` as IpAddress;
}
