import { resolverSuite, RESOLVER_ZONE, VOUCHED_ZONE } from './resolver.suite.ts';
import { ZoneResolver } from './zone.ts';

resolverSuite('ZoneResolver', {
  isVouching: true,
  make: () =>
    Promise.resolve({
      resolver: new ZoneResolver({ ...RESOLVER_ZONE, ...VOUCHED_ZONE }),
      stop: () => Promise.resolve(),
    }),
});
