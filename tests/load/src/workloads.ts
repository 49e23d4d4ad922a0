/** What is sent, to whom, and where the clock stops. */
export interface Workload {
  readonly name: string;
  /** `hold`: until the last 250. `relay`: until the next hops have all. */
  readonly mode: 'hold' | 'relay';
  readonly recipients: number;
  /** The recipients are spread over this many domains, each with a next hop of its own. */
  readonly domains: number;
  /** How many times as long as a message of `relay` takes one takes, roughly: makes runs of one length. */
  readonly weight: number;
}

const workload = (
  name: string,
  mode: 'hold' | 'relay',
  recipients: number,
  domains: number,
  weight: number,
): Workload => ({ name, mode, recipients, domains, weight });

export const WORKLOADS: ReadonlyMap<string, Workload> = new Map(
  [
    workload('ingest', 'hold', 1, 1, 0.6),
    workload('relay', 'relay', 1, 1, 1),
    workload('relay-r10', 'relay', 10, 1, 2),
    workload('relay-r10x10', 'relay', 10, 10, 6),
  ].map((each) => [each.name, each]),
);

/** Sizes that the command line knows, in octets. */
export const SIZES: ReadonlyMap<string, number> = new Map([
  ['4k', 4_096],
  ['40k', 40_960],
  ['1m', 1_048_576],
]);

export const domainOf = (index: number): string => `d${index}.load.test`;

/** How many messages of a size make the work of `count` of 4 KiB, at least 20. */
export function scaled(count: number, { weight }: Workload, sizeOctets: number): number {
  return Math.max(20, Math.round(count / weight / (1 + sizeOctets / 65_536)));
}
