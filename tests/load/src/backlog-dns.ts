import { DnsServer } from '@mailyard/testkit/dns-server';

const DOMAIN = /^(?:mx\.)?d(\d+)\.backlog\.example$/;

/** A DNS in which each domain of a backlog has a host of its own, whose address takes no connections. */
export function startBacklogDns(): Promise<DnsServer> {
  const zone = new Proxy(Object.create(null) as Record<string, never>, {
    has: (_zone, name) => DOMAIN.test(String(name)),
    getOwnPropertyDescriptor: (_zone, name) =>
      DOMAIN.test(String(name)) ? { configurable: true, enumerable: true, value: undefined } : undefined,
    get: (_zone, name) => recordsOf(String(name)),
  });
  return DnsServer.start(zone);
}

function recordsOf(name: string): object | undefined {
  const number = Number(DOMAIN.exec(name)?.[1] ?? Number.NaN);
  if (Number.isNaN(number)) return undefined;
  if (!name.startsWith('mx.')) return { mx: [[10, `mx.${name}`]] };
  return { a: [`127.${(number >> 16) + 1}.${(number >> 8) & 255}.${number & 255 || 1}`] };
}
