import { type Mailbox, type RcptParameters, type Reply, reply } from '@mailyard/mail';
import type { TakenMessage } from './smtp-dialog-player.ts';

/**
 * What stands behind a receiver while dialogs are played to it, as `ReceiverUnderTest.start` wants it: takes mail to all
 * but `@refused.example`, refuses content that has the line `Refuse: content`, keeps the rest. In the shape of the
 * handlers that receivers take. Evidence is good where it is the password of `ada`, which is `open sesame`.
 */
export function makeDialogHandler(messages: TakenMessage[]) {
  return {
    connect: (): Reply => ({ code: 220, text: '' }),
    closed: (): void => undefined,
    judge: (_session: unknown, evidence: { readonly name: string; readonly password?: string }): Promise<Reply> =>
      Promise.resolve(
        evidence.name === 'ada' && evidence.password === 'open sesame'
          ? reply(235, '2.7.0', 'Authentication successful')
          : reply(535, '5.7.8', 'Authentication credentials invalid'),
      ),
    mail(_session: unknown, { reversePath }: { readonly reversePath: Mailbox | null }) {
      const recipients: string[] = [];
      const parameters: string[] = [];
      return {
        rcpt({ forwardPath, parameters: { notify, orcpt } }: Rcpt): Reply {
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
            write: (piece: Buffer): void => void pieces.push(Buffer.from(piece)),
            end(): Reply {
              const content = Buffer.concat(pieces);
              if (content.includes('Refuse: content')) return reply(554, '5.6.0', 'refused');
              messages.push({ reversePath: reversePath?.address ?? null, recipients, parameters, content });
              return reply(250, '2.0.0', 'Ok');
            },
            abort: (): void => undefined,
          };
        },
        reset: (): void => undefined,
      };
    },
  };
}

interface Rcpt {
  readonly forwardPath: Mailbox;
  readonly parameters: RcptParameters;
}
