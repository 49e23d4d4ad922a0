/** What a pool of connections needs: a destination whose connections they are, and what all pools share. */
import type { DeliveryTerms, DestinationKey, Host } from '@mailyard/delivery-rules';
import type { AddressLiteral, Domain } from '@mailyard/mail';
import type { RouteTarget } from '@mailyard/smtp-routes';
import type { WorkerContext } from '../context.ts';
import type { ConnectionHome, DeliveryConnection } from './delivery-connection.ts';
import type { Opened, OpeningTools } from './opening.ts';
import type { OpeningSlots } from './opening-slots.ts';
import type { Parcel } from '../destinations/parcel.ts';
import type { RetryLine } from '../scheduling/retry-line.ts';

/** How many connections this worker has, of how many it may have. */
export interface ConnectionBudget {
  used: number;
  readonly limit: number;
  /** For destinations of which it is not known that they answer. */
  readonly slots: OpeningSlots<PoolHome>;
  readonly line: RetryLine;
}

/** What the pools of all destinations share. */
export interface PoolTools {
  readonly context: WorkerContext;
  readonly tools: OpeningTools;
  readonly budget: ConnectionBudget;
  /** Numbers in [0, 1). */
  readonly random: () => number;
}

/** The destination of a pool: where its connections lead, and who is told what became of an opening. */
export interface PoolHome extends ConnectionHome {
  readonly key: DestinationKey;
  readonly target: Exclude<RouteTarget, { kind: 'null' }>;
  readonly domain: Domain | AddressLiteral;
  readonly terms: DeliveryTerms;
  /** The outgoing authentication profile; undefined for none. */
  readonly authProfile: string | undefined;
  /** Names besides a host's own for one of which its certificate may be. */
  readonly certificateNames: readonly string[];
  /** Where it is kept that a host does not do what is demanded of TLS. */
  tlsState(host: Host): string;
  /** The hosts that were found, before any is tried. */
  planned(hosts: readonly Host[]): void;
  /** `isOutdated`: it goes by terms or credentials that count no more, and is to be closed. */
  connected(connection: DeliveryConnection, parcel: Parcel | undefined, isOutdated: boolean): void;
  /** No connection: `opened` says why; undefined when it failed by terms or credentials that count no more. */
  notConnected(opened: Exclude<Opened, { kind: 'connected' }> | undefined, parcel: Parcel | undefined): void;
  /** Whether the limit that all workers share lets it have so many connections; if not, it is pumped when it does. @param window the most for now */
  mayHave(connections: number, window: number): boolean;
  /** There may be a connection to use, or one to be asked for. */
  pump(): void;
}
