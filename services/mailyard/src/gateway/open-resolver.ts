import { DnsResolver } from '@mailyard/dns';
import type { Settings } from '@mailyard/settings';

/** The resolver that the settings name, else the system's. */
export function openResolver({ dns }: Pick<Settings, 'dns'>): DnsResolver {
  return new DnsResolver({
    ...(dns.servers.length > 0 ? { servers: dns.servers } : {}),
    timeoutMs: dns.timeoutSeconds * 1000,
    tries: dns.attempts,
  });
}
