import { resolverSuite, RESOLVER_ZONE } from './resolver.suite.ts';
import { ZoneResolver } from './zone.ts';

resolverSuite('ZoneResolver', {
  make: () => Promise.resolve({ resolver: new ZoneResolver(RESOLVER_ZONE), stop: () => Promise.resolve() }),
});
