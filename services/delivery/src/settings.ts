import type {
  BatchBy,
  BounceProfile,
  DaneUse,
  DeliveryTerms,
  IpPreference,
  MtaStsUse,
  RelayOptions,
} from '@mailyard/delivery-rules';

/** What a delivery worker is told. Times in milliseconds. */
export interface DeliverySettings {
  /** What EHLO says, and who reports bounces. */
  readonly hostname: string;
  /** Holding the log's lock is the proof of ownership (embedded): no grace, no proof before the dot (I4, I5). */
  readonly exclusive: boolean;
  readonly maxConnectionsPerDestination: number;
  readonly maxConnections: number;
  /** R104 */
  readonly messagesPerConnection: number;
  /** RCPTs in one transaction at most (R106). */
  readonly recipientsPerTransaction: number;
  readonly tls: RelayOptions['tls'];
  readonly dane: DaneUse;
  readonly mtaSts: MtaStsUse;
  /** An alarm when a host does not do what a TLS setting demands (R144). */
  readonly tlsAlarm: boolean;
  /** What a host may have taken counts as delivered (R62): mail can be lost. */
  readonly possibleDelivery: boolean;
  readonly batchBy: BatchBy;
  readonly ipPreference: IpPreference;
  /** A connection with nothing to do is closed after this. */
  readonly idleConnectionMs: number;
  /** How long a stop waits for transactions under way. */
  readonly drainMs: number;
  readonly bounce: BounceProfile;
  /** Transactions that one destination keeps ready; the rest waits in less memory. */
  readonly readyLimit: number;
  /** Octets of inline bodies that are kept in memory until delivered. */
  readonly hotBodyOctets: number;
  /** A report's body up to this size stands in the log. */
  readonly inlineOctets: number;
  /** What counts as full, a partition (docs/architecture.md, "Pressure"). */
  readonly limits: { readonly openBytes: number; readonly logBytes: number; readonly lagSeconds: number };
}

/** The terms of mail to which no row of the destination controls applies. */
export function termsOfSettings(
  settings: Pick<
    DeliverySettings,
    'maxConnectionsPerDestination' | 'messagesPerConnection' | 'tls' | 'dane' | 'mtaSts' | 'ipPreference' | 'bounce'
  >,
): DeliveryTerms {
  const {
    maxConnectionsPerDestination: maxConnections,
    messagesPerConnection,
    tls,
    dane,
    mtaSts,
    ipPreference,
    bounce,
  } = settings;
  return { maxConnections, messagesPerConnection, tls, dane, mtaSts, ipPreference, bounce, hasOwnAge: false };
}

/** What outgoing authentication profiles authenticate with (R150 to R153). */
export interface OutgoingCredentials {
  /** User and password of a profile; undefined when they cannot be had now. */
  of(profile: string): RelayOptions['credentials'];
  /** Tells the names of profiles that are others now. */
  onChange(listener: (profiles: ReadonlySet<string>) => void): void;
}

export const DELIVERY_DEFAULTS = {
  exclusive: false,
  maxConnectionsPerDestination: 20,
  maxConnections: 10_000,
  messagesPerConnection: 50,
  recipientsPerTransaction: 100,
  tls: 'none',
  dane: 'none',
  mtaSts: 'none',
  tlsAlarm: true,
  possibleDelivery: false,
  batchBy: 'destination',
  ipPreference: 'preferV6',
  idleConnectionMs: 5_000,
  drainMs: 25_000,
  readyLimit: 500,
  hotBodyOctets: 67_108_864,
  inlineOctets: 32_768,
  limits: { openBytes: 8_589_934_592, logBytes: 34_359_738_368, lagSeconds: 120 },
} as const satisfies Omit<DeliverySettings, 'hostname' | 'bounce'>;
