import type { TakenMessage } from '@mailyard/testkit/smtp-dialog-player';
import { makeDialogHandler } from '@mailyard/testkit/smtp-dialog-handler';
import { smtpDialogSuite } from '@mailyard/testkit/smtp-dialog.suite';
import { startReceiver } from './index.ts';

smtpDialogSuite('native', {
  offers: ['tls', 'chunking'],
  async start({ hostname, maxMessageOctets, maxRecipients, maxErrors, certificate }) {
    const messages: TakenMessage[] = [];
    let count = 0;
    const receiver = await startReceiver(
      '127.0.0.1',
      0,
      {
        hostname,
        maxMessageOctets,
        maxRecipients,
        maxErrors,
        maxConnections: 100,
        maxConnectionsPerClient: 100,
        commandTimeoutMs: 60_000,
        contentTimeoutMs: 60_000,
        tls: { certificate: certificate.cert, key: certificate.key },
        authentication: { isRequired: false, isAllowedInClear: false },
        nextIcid: () => String(++count),
      },
      makeDialogHandler(messages),
    );
    return { port: receiver.address.port, messages, stop: () => receiver.stop(1000) };
  },
});
