import { reply } from '@mailyard/mail';
import { smtpDialogSuite } from '@mailyard/testkit/smtp-dialog.suite';
import type { TakenMessage } from '@mailyard/testkit/smtp-dialog-player';
import { type InjectionHandler, startReceiver } from './index.ts';

function handlerInto(messages: TakenMessage[]): InjectionHandler {
  return {
    connect: () => reply(220, '2.0.0', ''),
    closed: () => undefined,
    mail: (_session, { reversePath }) => {
      const recipients: string[] = [];
      const parameters: string[] = [];
      return {
        rcpt({ forwardPath, parameters: { notify, orcpt } }) {
          if (forwardPath.domain === 'refused.example') return reply(550, '5.7.1', 'no relaying');
          recipients.push(forwardPath.address);
          if (recipients.length === 1) {
            if (notify !== undefined) parameters.push(`NOTIFY=${notify}`);
            if (orcpt !== undefined) parameters.push(`ORCPT=${orcpt}`);
          }
          return reply(250, '2.1.5', 'Ok');
        },
        content() {
          const pieces: Buffer[] = [];
          return {
            write: (piece) => void pieces.push(Buffer.from(piece)),
            end() {
              const content = Buffer.concat(pieces);
              if (content.includes('Refuse: content')) return reply(554, '5.6.0', 'refused');
              messages.push({ reversePath: reversePath?.address ?? null, recipients, parameters, content });
              return reply(250, '2.0.0', 'Ok');
            },
            abort: () => undefined,
          };
        },
        reset: () => undefined,
      };
    },
  };
}

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
        nextIcid: () => String(++count),
      },
      handlerInto(messages),
    );
    return { port: receiver.address.port, messages, stop: () => receiver.stop(1000) };
  },
});
