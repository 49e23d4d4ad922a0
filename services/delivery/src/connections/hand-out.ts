/** Handing what is ready at a destination to its connections (R100 to R105), as far as its destination controls allow. */
import type { RecipientCount } from '@mailyard/delivery-rules';
import type { Instant } from '@mailyard/queue';
import type { ConnectionPool } from './connection-pool.ts';
import type { DeliveryConnection } from './delivery-connection.ts';
import type { Parcel } from '../destinations/parcel.ts';
import type { ReadyParcels } from '../destinations/ready-parcels.ts';

/**
 * Gives each parcel to a connection that has room for it; opens connections only for particular parcels.
 *
 * @param limit of recipients in a window of time (R140); undefined for none
 * @param now by the clock
 * @param steady steady wall time, which the limit goes by
 * @returns 0, or the instant before which the limit lets nothing more go; below 0 when that is not known yet
 */
export function handOut(
  ready: ReadyParcels,
  pool: ConnectionPool,
  limit: RecipientCount | undefined,
  now: Instant,
  steady: () => number,
): number {
  let fullUntil = ready.hasParticular ? handOutParticular(ready, pool, limit, now.monotonic, steady) : 0;
  while (ready.size > 0 && pool.free(1, now.monotonic) !== undefined) {
    const parcel = ready.shift(now.wall);
    const freeAt = limit === undefined ? 0 : limit.freeAt(recipientsOf(parcel), steady());
    if (freeAt !== 0) {
      fullUntil = freeAt;
      ready.unshift(parcel);
      break;
    }
    const connection = pool.free(parcel.sends.length, now.monotonic);
    if (connection === undefined) {
      // The splinters of a message go down one connection (R105): those with too little left make room for a new one.
      ready.unshift(parcel);
      pool.retireIdle();
      break;
    }
    limit?.take(recipientsOf(parcel), steady());
    connection.assign(parcel);
  }
  return fullUntil;
}

function handOutParticular(
  ready: ReadyParcels,
  pool: ConnectionPool,
  limit: RecipientCount | undefined,
  monotonic: number,
  steady: () => number,
): number {
  let fullUntil = 0;
  let hasAsked = false;
  ready.offerParticular((parcel) => {
    const freeAt = limit === undefined ? 0 : limit.freeAt(recipientsOf(parcel), steady());
    if (freeAt !== 0) {
      fullUntil = freeAt;
      return false;
    }
    const fits = (connection: DeliveryConnection): boolean => suits(parcel, connection);
    const connection = pool.free(parcel.sends.length, monotonic, fits);
    if (connection === undefined) {
      // One at a time: it may suit the others as well.
      if (hasAsked || !pool.mayOpen || pool.connections.some(fits)) return false;
      hasAsked = true;
      if (!pool.open(parcel)) return false;
    }
    limit?.take(recipientsOf(parcel), steady());
    connection?.assign(parcel);
    return true;
  });
  return fullUntil;
}

function recipientsOf({ sends }: Parcel): number {
  return sends.reduce((sum, { recipients }) => sum + recipients.length, 0);
}

function suits({ walk, preferredHost }: Parcel, { hostKey, hostText }: DeliveryConnection): boolean {
  return walk === undefined ? hostText === preferredHost : !walk.tried.includes(hostKey);
}
