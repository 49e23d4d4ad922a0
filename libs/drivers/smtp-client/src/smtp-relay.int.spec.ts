import { relaySuite } from '@mailyard/testkit/relay.suite';
import { SmtpRelay, TIMEOUTS } from './index.ts';

relaySuite('SmtpRelay', {
  make: (waitMs) => {
    const timeouts = Object.fromEntries(Object.keys(TIMEOUTS).map((step) => [step, waitMs]));
    return new SmtpRelay({ incarnation: 'spec', timeouts });
  },
});
