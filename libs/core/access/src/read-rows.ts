import type { AccessFault } from './access-fault.ts';

/** What a file of rows is: all of them, or every fault with its line. */
export type ReadRows<Row> =
  | { readonly kind: 'read'; readonly rows: readonly Row[] }
  | { readonly kind: 'faults'; readonly faults: readonly AccessFault[] };
