import { relaySuite } from '@mailyard/testkit/relay.suite';
import { NodemailerRelay } from './index.ts';

relaySuite('NodemailerRelay', {
  make: (waitMs, tlsFiles = {}) => {
    const timeouts = { connect: waitMs, opening: waitMs, silence: waitMs, transaction: waitMs, quit: waitMs };
    return new NodemailerRelay({ incarnation: 'spec', timeouts, tlsFiles });
  },
  cannot: new Set(['headerSmtpUtf8', 'quotedBrackets', 'lastWords']),
});
