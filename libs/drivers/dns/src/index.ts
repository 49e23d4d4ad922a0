export { DnsResolver, type DnsOptions } from './dns-resolver.ts';
