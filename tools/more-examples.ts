/** Stands for fast-check in `npm run soak`: the same, with more examples for each property. */
import * as fc from 'fast-check';

export * from 'fast-check';

const times = Number(process.env['MAILYARD_SOAK']);

export const assert: typeof fc.assert = (property, parameters) =>
  fc.assert(property as never, { ...parameters, numRuns: (parameters?.numRuns ?? 100) * times } as never) as never;
